package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"pipelinedht/httpapi/load"
	"pipelinedht/tests/bench/dialect"
)

// redis is a number of Redis servers, alone or as a cluster. They write no
// snapshots, and so never fork but for a replica's first copy. It stops with close.
type redis struct {
	dir     string
	options []string // of all servers
	started int      // how many, in all
	servers []*process
}

// startRedis starts n servers that do not know each other.
func (b *bench) startRedis(ctx context.Context, n int, options ...string) (*redis, error) {
	dir, err := os.MkdirTemp(b.work, "redis-")
	if err != nil {
		return nil, err
	}
	r := &redis{dir: dir, options: options}
	for range n {
		if err := r.add(ctx); err != nil {
			r.close()
			return nil, err
		}
	}
	return r, nil
}

// startRedisCluster starts a cluster of three masters with so many replicas each.
func (b *bench) startRedisCluster(ctx context.Context, replicas int) (*redis, error) {
	r, err := b.startRedis(ctx, 3*(1+replicas), "--cluster-enabled", "yes")
	if err != nil {
		return nil, err
	}
	create := []string{"create"}
	for _, s := range r.servers {
		create = append(create, s.address)
	}
	create = append(create, "--cluster-replicas", strconv.Itoa(replicas), "--cluster-yes")
	if err = r.manage(ctx, create...); err == nil {
		err = await(ctx, settleWithin, r.settled)
	}
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// add starts one more server.
func (r *redis) add(ctx context.Context) error {
	port, err := freePort()
	if err != nil {
		return err
	}
	r.started++
	name := fmt.Sprintf("redis%d", r.started)
	home := filepath.Join(r.dir, name)
	if err := os.Mkdir(home, 0o700); err != nil {
		return err
	}
	args := append([]string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--dir", home,
		"--logfile", logPath(r.dir, name), "--daemonize", "no", "--save", ""}, r.options...)
	p, err := startOpaque(r.dir, name, port, "redis-server", args...)
	if err != nil {
		return err
	}
	r.servers = append(r.servers, p)
	if err := await(ctx, settleWithin, func(ctx context.Context) error { return answers(ctx, p, "PONG", "ping") }); err != nil {
		return fmt.Errorf("start %s: %w\n%s", name, err, tail(p.log.Name()))
	}
	return nil
}

// close kills the servers and removes their data.
func (r *redis) close() {
	for _, s := range r.servers {
		s.kill()
	}
	os.RemoveAll(r.dir)
}

// manage runs redis-cli --cluster.
func (r *redis) manage(ctx context.Context, args ...string) error {
	_, err := redisCLI(ctx, append([]string{"--cluster"}, args...)...)
	return err
}

// command has a server carry out a command outside of any measurement.
func command(ctx context.Context, p *process, words ...string) (string, error) {
	host, port, _ := strings.Cut(p.address, ":")
	return redisCLI(ctx, append([]string{"-h", host, "-p", port}, words...)...)
}

func redisCLI(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "redis-cli", args...)
	cmd.SysProcAttr = dieWithParent()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("redis-cli %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// answers says whether a line of the answer to a command is the one that is wanted.
func answers(ctx context.Context, p *process, want string, words ...string) error {
	text, err := command(ctx, p, words...)
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == want {
			return nil
		}
	}
	return fmt.Errorf("%s answers %s with %q, not with %s", p.address, strings.Join(words, " "), text, want)
}

// settled says which server does not see a whole cluster, or lacks its master's data.
func (r *redis) settled(ctx context.Context) error {
	var errs []error
	for _, s := range r.servers {
		errs = append(errs,
			answers(ctx, s, "cluster_state:ok", "cluster", "info"),
			answers(ctx, s, fmt.Sprintf("cluster_known_nodes:%d", len(r.servers)), "cluster", "info"))
		if answers(ctx, s, "role:slave", "info", "replication") == nil {
			errs = append(errs, answers(ctx, s, "master_link_status:up", "info", "replication"))
		}
	}
	return errors.Join(errs...)
}

// targets returns the masters, each with its own among the keys.
func (r *redis) targets(ctx context.Context, keys load.Keys) ([]load.Target, error) {
	text, err := command(ctx, r.servers[0], "cluster", "nodes")
	if err != nil {
		return nil, err
	}
	owners, err := dialect.SlotOwners(text)
	if err != nil {
		return nil, err
	}
	own := make(map[string][]string)
	for n := range keys.Count() {
		key := keys.Append(nil, n)
		owner := owners[dialect.Slot(key)]
		own[owner] = append(own[owner], string(key))
	}
	var targets []load.Target
	for _, s := range r.servers {
		if len(own[s.address]) > 0 {
			targets = append(targets, load.Target{Address: s.address, Keys: load.Listed(own[s.address])})
		}
	}
	return targets, nil
}

// fillRedis puts every target's keys.
func fillRedis(ctx context.Context, targets []load.Target, valueBytes int) error {
	for _, t := range targets {
		sweep := load.Sweep{Addresses: []string{t.Address}, Dialect: dialect.RESP{}, Connections: fillConnections / len(targets),
			Op: load.Put, Keys: t.Keys, ValueBytes: valueBytes}
		if err := sweep.Run(ctx); err != nil {
			return err
		}
	}
	return nil
}
