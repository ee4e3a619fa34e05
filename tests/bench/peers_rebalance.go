package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"pipelinedht/httpapi/load"
)

const (
	rebalanceAim      = 0.1 // of the time that Redis takes
	rebalancePipeline = 100 // keys that redis-cli has moved at once; its default is 10
)

// growth is what it took to give a fourth server its share.
type growth struct {
	took          time.Duration
	cpu           time.Duration // of all servers
	before, after int64         // bytes of memory, of all servers
	moved         int           // keys that the fourth server has in the end
}

// measureRedisRebalance has a fourth server take its share from three full ones: one
// copy of each key, in memory. Redis' time is for the keys only: that the fourth
// master has joined before costs it a few seconds more.
func measureRedisRebalance(ctx context.Context, b *bench) error {
	keys := load.Numbered(keyPrefix, b.joinKeys)
	theirs, err := b.growRedis(ctx, keys)
	if err != nil {
		return err
	}
	ours, err := b.growOurs(ctx, keys)
	if err != nil {
		return err
	}
	title := fmt.Sprintf("a fourth joins three with %d keys", b.joinKeys)
	b.printf("\n%-*s%10s%10s%10s%10s%10s%10s  one copy, in memory\n", nameWidth, title, "s", "keys", "keys/s", "CPU s", "MB before", "MB after")
	for _, g := range []struct {
		name string
		*growth
	}{{fmt.Sprintf("Redis Cluster, pipeline %d", rebalancePipeline), theirs}, {"ours", ours}} {
		b.printf("%-*s%10.2f%10d%10.0f%10.2f%10.0f%10.0f\n", nameWidth, g.name, g.took.Seconds(), g.moved,
			float64(g.moved)/g.took.Seconds(), g.cpu.Seconds(), float64(g.before)/1e6, float64(g.after)/1e6)
	}
	b.printf("ours / theirs: time %.3f (aim: %g at most), CPU %.3f, memory before %.2f, after %.2f\n", ours.took.Seconds()/theirs.took.Seconds(), rebalanceAim,
		ours.cpu.Seconds()/theirs.cpu.Seconds(), float64(ours.before)/float64(theirs.before), float64(ours.after)/float64(theirs.after))
	return nil
}

// grow measures what move takes; before it there are four servers, one of them
// without data. What they have in use is read at rest.
func grow(servers []*process, move func() error) (*growth, error) {
	before, err1 := resident(servers[:len(servers)-1])
	cpuBefore, err2 := cpuTime(servers)
	if err := errors.Join(err1, err2); err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := move(); err != nil {
		return nil, err
	}
	took := time.Since(begun)
	cpuAfter, err1 := cpuTime(servers)
	after, err2 := resident(servers)
	return &growth{took: took, cpu: cpuAfter - cpuBefore, before: before, after: after}, errors.Join(err1, err2)
}

func (b *bench) growRedis(ctx context.Context, keys load.Keys) (*growth, error) {
	r, err := b.startRedisCluster(ctx, 0)
	if err != nil {
		return nil, err
	}
	defer r.close()
	masters, err := r.targets(ctx, keys)
	if err != nil {
		return nil, err
	}
	if err := fillRedis(ctx, masters, b.valueBytes); err != nil {
		return nil, err
	}
	if err := r.add(ctx); err != nil {
		return nil, err
	}
	first, fourth := r.servers[0].address, r.servers[len(r.servers)-1]
	if err := r.manage(ctx, "add-node", fourth.address, first); err != nil {
		return nil, err
	}
	if err := await(ctx, settleWithin, r.settled); err != nil {
		return nil, err
	}
	g, err := grow(r.servers, func() error {
		return r.manage(ctx, "rebalance", first, "--cluster-use-empty-masters", "--cluster-pipeline", strconv.Itoa(rebalancePipeline))
	})
	if err != nil {
		return nil, err
	}
	size, err := command(ctx, fourth, "dbsize")
	if err != nil {
		return nil, err
	}
	g.moved, err = strconv.Atoi(strings.TrimSpace(size))
	return g, err
}

func (b *bench) growOurs(ctx context.Context, keys load.Keys) (*growth, error) {
	c, err := b.startCluster(ctx, 3, 1, false)
	if err != nil {
		return nil, err
	}
	defer c.close()
	if err := fill(ctx, c.nodes, keys, b.valueBytes); err != nil {
		return nil, err
	}
	if err := c.startNode(ctx); err != nil {
		return nil, err
	}
	g, err := grow(c.nodes, func() error { return c.join(ctx) })
	if err != nil {
		return nil, err
	}
	listed, err := c.keysAt(ctx, len(c.nodes)-1)
	g.moved = len(listed)
	return g, err
}
