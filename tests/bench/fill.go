package main

import (
	"context"

	"pipelinedht/httpapi/load"
)

const (
	fillConnections = 256 // spread over all nodes
	keyPrefix       = "key-"
)

// fill puts keys 0 to n-1 into a cluster, with pipelined PUTs through all nodes.
func (c *cluster) fill(ctx context.Context, n, valueBytes int) error {
	sweep := load.Sweep{
		Addresses:   c.addresses(),
		Connections: fillConnections,
		Op:          load.Put,
		Keys:        load.Numbered(keyPrefix, n),
		ValueBytes:  valueBytes,
	}
	return sweep.Run(ctx)
}
