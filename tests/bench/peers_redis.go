package main

import (
	"context"
	"fmt"

	"pipelinedht/httpapi/load"
	"pipelinedht/tests/bench/dialect"
)

// measureRedisMemory compares three masters, whose clients know where a key is, with
// three nodes: one copy of each key, in memory.
func measureRedisMemory(ctx context.Context, b *bench) error {
	r, err := b.startRedisCluster(ctx, 0)
	if err != nil {
		return err
	}
	defer r.close()
	masters, err := b.fullMasters(ctx, r)
	if err != nil {
		return err
	}
	c, err := b.startFull(ctx, 1, false)
	if err != nil {
		return err
	}
	defer c.close()
	var lines []*line
	var pairs []versus
	for _, op := range []struct {
		theirs, ours string
		reads        float64
	}{{"SET", "PUT", 0}, {"GET", "GET", 1}} {
		through, at, err := b.ours(ctx, c, op.ours, op.reads)
		if err != nil {
			return err
		}
		redis := loaded("Redis Cluster "+op.theirs+", at the masters", in(dialect.RESP{}, b.split(op.reads, masters)), r.servers)
		lines = append(lines, redis, at, through)
		pairs = append(pairs, versus{at, redis, 0}, versus{through, redis, 0})
	}
	return b.compare(ctx, "3 of each, 1 copy, in memory", lines, pairs)
}

// measureRedisReplicas compares three masters with one replica each, which is sent
// a write after it was answered, with three nodes that answer when all copies have
// it. With WAIT a client of Redis waits for that too.
func measureRedisReplicas(ctx context.Context, b *bench) error {
	r, err := b.startRedisCluster(ctx, 1)
	if err != nil {
		return err
	}
	defer r.close()
	masters, err := b.fullMasters(ctx, r)
	if err != nil {
		return err
	}
	set := loaded("Redis SET, 2 copies, 1 of them later", in(dialect.RESP{}, b.split(0, masters)), r.servers)
	wait := loaded("Redis SET and WAIT 1, 2 copies", in(dialect.RESP{Wait: 1}, b.split(0, masters)), r.servers)
	lines := []*line{set, wait}
	var pairs []versus
	for _, copies := range []int{2, 3} {
		c, err := b.startFull(ctx, copies, false)
		if err != nil {
			return err
		}
		defer c.close()
		_, at, err := b.ours(ctx, c, fmt.Sprintf("PUT, %d copies", copies), 0)
		if err != nil {
			return err
		}
		lines = append(lines, at)
		pairs = append(pairs, versus{at, set, 0}, versus{at, wait, 0})
	}
	if err := b.compare(ctx, "3 masters, 3 nodes, in memory", lines, pairs); err != nil {
		return err
	}
	b.printf(`SET is answered, and what it wrote is read, before the replica has it: a master that dies takes its last writes along.
WAIT delays the answer, not what others read. A PUT is answered and read when all its copies have it.
`)
	return nil
}

// measureRedisDisk compares one server with one node: one copy of each key, fsynced
// before the answer.
func measureRedisDisk(ctx context.Context, b *bench) error {
	// A log that is never rewritten costs Redis nothing but space.
	r, err := b.startRedis(ctx, 1, "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0")
	if err != nil {
		return err
	}
	defer r.close()
	redis := in(dialect.RESP{}, b.load(b.numbered(), 0, r.servers...))
	if err := fillRedis(ctx, redis.Targets, b.valueBytes); err != nil {
		return err
	}
	c, err := b.startCluster(ctx, 1, 1, true)
	if err != nil {
		return err
	}
	defer c.close()
	if err := fill(ctx, c.nodes, b.numbered(), b.valueBytes); err != nil {
		return err
	}
	set := loaded("Redis SET, appendfsync always", redis, r.servers)
	put := loaded("PUT, fsynced", b.load(b.numbered(), 0, c.nodes...), c.nodes)
	return b.compare(ctx, "1 of each, 1 copy, fsynced", []*line{set, put}, []versus{{put, set, 0}})
}

// fullMasters fills a cluster with the numbered keys, and returns its masters with
// each one's.
func (b *bench) fullMasters(ctx context.Context, r *redis) ([]load.Target, error) {
	masters, err := r.targets(ctx, b.numbered())
	if err != nil {
		return nil, err
	}
	return masters, fillRedis(ctx, masters, b.valueBytes)
}
