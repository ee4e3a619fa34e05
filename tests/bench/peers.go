package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"pipelinedht/httpapi/load"
	"pipelinedht/tests/bench/dialect"
)

// A rivalry compares the table with what people would pick instead: as many
// copies, as durable, with as many connections, at the same time. All servers keep
// their defaults where the table's title does not say otherwise.
type rivalry struct {
	name     string
	programs []string // that it needs
	run      func(context.Context, *bench) error
}

var rivalries = []rivalry{
	{"etcd", []string{"etcd"}, measureEtcd},
	{"memory", []string{"redis-server", "redis-cli"}, measureRedisMemory},
	{"replicas", []string{"redis-server", "redis-cli"}, measureRedisReplicas},
	{"disk", []string{"redis-server", "redis-cli"}, measureRedisDisk},
	{"rebalance", []string{"redis-server", "redis-cli"}, measureRedisRebalance},
}

func rivalryNames() (names []string) {
	for _, r := range rivalries {
		names = append(names, r.name)
	}
	return names
}

// measurePeers compares with the programs that are installed, and says which are
// not.
func measurePeers(ctx context.Context, b *bench) error {
	if b.valueBytes > dialect.GRPCValue {
		return fmt.Errorf("values of %d bytes: etcd is compared up to %d", b.valueBytes, dialect.GRPCValue)
	}
	missing, err := b.printVersions(ctx, "etcd", "redis-server", "redis-cli")
	if err != nil {
		return err
	}
	for _, r := range rivalries {
		if !slices.Contains(b.peers, r.name) || slices.ContainsFunc(r.programs, func(p string) bool { return slices.Contains(missing, p) }) {
			continue
		}
		if err := r.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	return nil
}

// printVersions prints which programs there are, and returns those that are not.
func (b *bench) printVersions(ctx context.Context, programs ...string) (missing []string, err error) {
	b.printf("\n")
	for _, program := range programs {
		if _, err := exec.LookPath(program); err != nil {
			missing = append(missing, program)
			continue
		}
		version, err := exec.CommandContext(ctx, program, "--version").Output()
		if err != nil {
			return nil, fmt.Errorf("%s --version: %w", program, err)
		}
		first, _, _ := strings.Cut(string(version), "\n")
		b.printf("%s: %s\n", program, first)
	}
	if len(missing) > 0 {
		b.printf("not compared with: %s, not installed; make bench-peers does that\n", strings.Join(missing, ", "))
	}
	return missing, nil
}

// in returns a load in another dialect.
func in(d load.Dialect, l load.Load) load.Load {
	l.Dialect = d
	return l
}

// split returns load on targets of which each has keys of its own.
func (b *bench) split(reads float64, targets []load.Target) load.Load {
	l := b.load(nil, reads)
	l.Targets = targets
	return l
}

// primaries returns the nodes, each with the keys that it is primary for.
func (c *cluster) primaries(ctx context.Context) ([]load.Target, error) {
	var targets []load.Target
	for i, n := range c.nodes {
		keys, err := c.keysAt(ctx, i)
		if err != nil {
			return nil, err
		}
		targets = append(targets, load.Target{Address: n.address, Keys: load.Listed(keys)})
	}
	return targets, nil
}

// ours returns the lines of one operation of the table, through all nodes and at
// each key's primary.
func (b *bench) ours(ctx context.Context, c *cluster, what string, reads float64) (through, at *line, err error) {
	primaries, err := c.primaries(ctx)
	if err != nil {
		return nil, nil, err
	}
	through = loaded(what+", through all nodes", b.load(b.numbered(), reads, c.nodes...), c.nodes)
	at = loaded(what+", at the primaries", b.split(reads, primaries), c.nodes)
	return through, at, nil
}
