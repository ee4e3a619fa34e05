package main

import (
	"context"

	"pipelinedht/httpapi/load"
)

const (
	fillConnections = 256 // spread over all nodes
	keyPrefix       = "key-"
)

// numbered are the keys that fill a cluster for requests.
func (b *bench) numbered() load.Keys { return load.Numbered(keyPrefix, b.keys) }

// load returns load on servers with uniform keys, of which a share are reads.
func (b *bench) load(keys load.Keys, reads float64, servers ...*process) load.Load {
	l := load.Load{Connections: b.connections, Reads: reads, ValueBytes: b.valueBytes}
	for _, p := range servers {
		l.Targets = append(l.Targets, load.Target{Address: p.address, Keys: keys})
	}
	return l
}

// startFull starts three nodes and fills them with the numbered keys.
func (b *bench) startFull(ctx context.Context, replicas int, durable bool) (*cluster, error) {
	c, err := b.startCluster(ctx, 3, replicas, durable)
	if err != nil {
		return nil, err
	}
	if err := fill(ctx, c.nodes, b.numbered(), b.valueBytes); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// fill puts all keys, with pipelined PUTs through all of the servers.
func fill(ctx context.Context, servers []*process, keys load.Keys, valueBytes int) error {
	sweep := load.Sweep{
		Connections: fillConnections,
		Op:          load.Put,
		Keys:        keys,
		ValueBytes:  valueBytes,
	}
	for _, p := range servers {
		sweep.Addresses = append(sweep.Addresses, p.address)
	}
	return sweep.Run(ctx)
}
