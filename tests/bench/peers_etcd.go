package main

import (
	"context"
	"fmt"

	"pipelinedht/httpapi/load"
	"pipelinedht/tests/bench/dialect"
)

// What PUT and GET should reach of etcd's rates, over its JSON gateway and over gRPC.
const (
	putJSON, putGRPC = 4, 3
	getJSON, getGRPC = 5.5, 3.5
)

// measureEtcd compares a put and a linearizable get of etcd with ours: three
// members and three nodes, every write on all three disks at the latest, on a
// majority of them before etcd answers and on all before ours does.
func measureEtcd(ctx context.Context, b *bench) error {
	e, err := b.startEtcd(ctx, 3)
	if err != nil {
		return err
	}
	defer e.close()
	if err := e.fill(ctx, b.numbered(), b.valueBytes); err != nil {
		return err
	}
	leader, err := e.leader(ctx)
	if err != nil {
		return err
	}
	c, err := b.startFull(ctx, 3, true)
	if err != nil {
		return err
	}
	defer c.close()
	var lines []*line
	var pairs []versus
	for _, op := range []struct {
		theirs, ours string
		reads        float64
		json, grpc   float64 // aims
	}{{"put", "PUT", 0, putJSON, putGRPC}, {"get", "GET", 1, getJSON, getGRPC}} {
		through, at, err := b.ours(ctx, c, op.ours, op.reads)
		if err != nil {
			return err
		}
		for _, protocol := range []struct {
			name    string
			dialect load.Dialect
			aim     float64
		}{{"JSON", dialect.EtcdJSON{}, op.json}, {"gRPC", dialect.EtcdGRPC{}, op.grpc}} {
			name := fmt.Sprintf("etcd %s, %s", op.theirs, protocol.name)
			all := loaded(name+", all members", in(protocol.dialect, b.load(b.numbered(), op.reads, e.members...)), e.members)
			led := loaded(name+", leader", in(protocol.dialect, b.load(b.numbered(), op.reads, leader)), e.members)
			lines = append(lines, all, led)
			pairs = append(pairs, versus{through, all, protocol.aim}, versus{at, led, protocol.aim})
		}
		lines = append(lines, through, at)
	}
	if err := b.compare(ctx, "3 of each, 3 copies, fsynced", lines, pairs); err != nil {
		return err
	}
	if now, err := e.leader(ctx); err != nil || now != leader {
		b.printf("etcd's leader changed meanwhile\n")
	}
	return nil
}
