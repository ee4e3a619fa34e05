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
	rebalanceAim      = 0.1   // of the time that Redis takes
	rebalancePipeline = "100" // keys that redis-cli has moved at once; its default is 10
)

// growth is what it took to give a fourth server its share.
type growth struct {
	seconds       float64
	cpu           float64 // seconds, of all servers
	before, after float64 // bytes of memory, of all servers
	moved         float64 // keys that the fourth server has in the end
}

// measureRedisRebalance has a fourth server take its share from three full ones, and
// give it back, once a round: one copy of each key, in memory. Redis' time is for
// the keys only: that the fourth master has joined before takes it some seconds.
func measureRedisRebalance(ctx context.Context, b *bench) error {
	keys := load.Numbered(keyPrefix, b.joinKeys)
	r, err := b.startRedisCluster(ctx, 0)
	if err != nil {
		return err
	}
	defer r.close()
	masters, err := r.targets(ctx, keys)
	if err != nil {
		return err
	}
	c, err := b.startCluster(ctx, 3, 1, false)
	if err != nil {
		return err
	}
	defer c.close()
	if err := errors.Join(fillRedis(ctx, masters, b.valueBytes), fill(ctx, c.nodes, keys, b.valueBytes)); err != nil {
		return err
	}
	var theirs, ours []*growth
	for range b.rounds {
		g, err := r.grow(ctx)
		if err != nil {
			return err
		}
		theirs = append(theirs, g)
		if g, err = c.grow(ctx); err != nil {
			return err
		}
		ours = append(ours, g)
		if err := errors.Join(r.shrink(ctx), c.leave(ctx)); err != nil {
			return err
		}
	}
	b.printGrowths(theirs, ours)
	return nil
}

// printGrowths prints medians, but what was in use while nothing had left.
func (b *bench) printGrowths(theirs, ours []*growth) {
	seconds := func(g *growth) float64 { return g.seconds }
	cpu := func(g *growth) float64 { return g.cpu }
	b.printf("\n%-*s%10s%10s%10s%10s%10s%10s\n", nameWidth, fmt.Sprintf("a 4th joins 3 with %d keys", b.joinKeys),
		"s", "keys", "keys/s", "CPU s", "MB before", "MB after")
	for _, row := range []struct {
		name    string
		growths []*growth
	}{{"Redis Cluster, pipeline " + rebalancePipeline, theirs}, {"ours, 1 copy, in memory", ours}} {
		first := row.growths[0]
		b.printf("%-*s%10.2f%10.0f%10.0f%10.2f%10.0f%10.0f\n", nameWidth, row.name, medianOf(row.growths, seconds), first.moved,
			first.moved/medianOf(row.growths, seconds), medianOf(row.growths, cpu), first.before/1e6, first.after/1e6)
	}
	var times, cpus []float64
	for i := range ours {
		times = append(times, ours[i].seconds/theirs[i].seconds)
		cpus = append(cpus, ours[i].cpu/theirs[i].cpu)
	}
	b.printf("ours / theirs: time %.3f (aim: %g at most), CPU %.2f, memory before %.2f and after %.2f\n", median(times), rebalanceAim,
		median(cpus), ours[0].before/theirs[0].before, ours[0].after/theirs[0].after)
}

func medianOf(growths []*growth, of func(*growth) float64) float64 {
	var values []float64
	for _, g := range growths {
		values = append(values, of(g))
	}
	return median(values)
}

// measureMove measures move, which gives the last server its share.
func measureMove(servers []*process, move func() error) (*growth, error) {
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
	return &growth{seconds: took.Seconds(), cpu: (cpuAfter - cpuBefore).Seconds(), before: float64(before), after: float64(after)}, errors.Join(err1, err2)
}

// grow adds a fourth master and has redis-cli give it its share.
func (r *redis) grow(ctx context.Context) (*growth, error) {
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
	g, err := measureMove(r.servers, func() error {
		return r.manage(ctx, "rebalance", first, "--cluster-use-empty-masters", "--cluster-pipeline", rebalancePipeline)
	})
	if err != nil {
		return nil, err
	}
	size, err := command(ctx, fourth, "dbsize")
	if err != nil {
		return nil, err
	}
	g.moved, err = strconv.ParseFloat(strings.TrimSpace(size), 64)
	return g, err
}

// grow starts a fourth node and has it join.
func (c *cluster) grow(ctx context.Context) (*growth, error) {
	if err := c.startNode(ctx); err != nil {
		return nil, err
	}
	g, err := measureMove(c.nodes, func() error { return c.join(ctx) })
	if err != nil {
		return nil, err
	}
	keys, err := c.keysAt(ctx, len(c.nodes)-1)
	g.moved = float64(len(keys))
	return g, err
}

// shrink takes the last master's slots away, and ends it.
func (r *redis) shrink(ctx context.Context) error {
	first, last := r.servers[0].address, r.servers[len(r.servers)-1]
	id, err := command(ctx, last, "cluster", "myid")
	if err != nil {
		return err
	}
	id = strings.TrimSpace(id)
	if err := r.manage(ctx, "rebalance", first, "--cluster-weight", id+"=0", "--cluster-pipeline", rebalancePipeline); err != nil {
		return err
	}
	if err := r.manage(ctx, "del-node", first, id); err != nil {
		return err
	}
	last.kill()
	r.servers = r.servers[:len(r.servers)-1]
	return await(ctx, settleWithin, r.settled)
}
