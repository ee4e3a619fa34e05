package node

import (
	"cmp"

	"pipelinedht/partition/host"
)

// Flight bounds what clients have under way between the nodes, in bytes of keys and
// values; see host.Limits. Zero means the default.
type Flight struct {
	Node      int // operations taken from clients, and as many served as primary; 256 MiB
	Peer      int // operations forwarded to any one peer; 96 MiB
	Partition int // writes that any one partition has not committed; 32 MiB, and no more
}

// MostPartitionFlight is the most that Flight.Partition may be: so much an in-sync
// copy may lack when its primary dies, and it gets that in one message.
const MostPartitionFlight = host.DefaultPartitionBytes

// WithDefaults returns f with zero fields replaced by their defaults.
func (f Flight) WithDefaults() Flight {
	return Flight{
		Node:      cmp.Or(f.Node, host.DefaultNodeBytes),
		Peer:      cmp.Or(f.Peer, host.DefaultPeerBytes),
		Partition: cmp.Or(f.Partition, host.DefaultPartitionBytes),
	}
}

func (f Flight) limits() host.Limits {
	f = f.WithDefaults()
	return host.Limits{NodeBytes: int64(f.Node), PeerBytes: int64(f.Peer), PartitionBytes: int64(f.Partition)}
}
