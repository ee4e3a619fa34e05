package node

import (
	"context"
	"fmt"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// home is the life of a node alone in which an import ends, because the cluster that
// it was for has dropped the node in the middle of it.
type home struct {
	partitions int                           // Q
	kept       map[partition.ID]storage.Copy // that come from the cluster
}

// endsAt has the import end in that life of the node alone.
func (im *importer) endsAt(l lifeRecord) error {
	copies, err := im.store.Copies(l.Generation)
	if err != nil {
		return fmt.Errorf("list the copies kept: %w", err)
	}
	im.home = home{partitions: l.Settings.Partitions, kept: make(map[partition.ID]storage.Copy)}
	for _, c := range copies {
		if c.Origin.Cluster == im.intent.Into {
			im.home.kept[c.Partition] = c
		}
	}
	return nil
}

// writeOver writes op over an older record. Where the node is alone, and has kept the
// key's partition, what is no news there when the node joins again is told by its
// version. A record that the cluster had not taken gets the lowest that is news: so
// it comes along, and does not count for more than what was written there since.
func (im *importer) writeOver(ctx context.Context, op partition.Op) (partition.Outcome, error) {
	if len(im.home.kept) == 0 {
		return im.writeUntil(ctx, op)
	}
	c, ok := im.home.kept[partition.Of(op.Key, im.home.partitions)]
	if !ok {
		return im.writeUntil(ctx, op)
	}
	there, found, closer, err := im.store.Get(c.Slot, op.Key)
	if err != nil {
		return partition.Outcome{}, fmt.Errorf("read what the node has kept: %w", err)
	}
	if err := closer.Close(); err != nil {
		return partition.Outcome{}, err
	}
	if found && there.Stamp >= op.Stamp {
		return partition.Outcome{Failed: there.Stamp > op.Stamp, Existed: !there.Tombstone, Stamp: there.Stamp}, nil
	}
	op.Stamp = max(op.Stamp, c.Origin.Stamp+1)
	return im.writeUntil(ctx, op)
}
