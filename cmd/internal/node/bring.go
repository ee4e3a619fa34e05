package node

import (
	"bytes"
	"context"
	"fmt"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// bring imports one key before its turn, if it is to be imported at all. The
// error is partition.ErrUnavailable: the caller's request has not begun. The
// import itself goes on when ctx ends: its outcome must not be left open.
func (im *importer) bring(ctx context.Context, key []byte) error {
	p := partition.Of(key, im.intent.Partitions)
	c, ok := im.copies[p]
	if !ok || !im.begin(storage.Cursor{Partition: p, Key: key}) {
		return nil
	}
	done := make(chan error, 1)
	go func() {
		defer im.wg.Done()
		done <- im.writeKey(c, bytes.Clone(key))
	}()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("%w: the key's value, which this node brought along, is not in the cluster yet: %w", partition.ErrUnavailable, err)
	}
	return nil
}

// begin reports whether the key's turn is still to come, and adds to wg then.
func (im *importer) begin(at storage.Cursor) bool {
	im.mu.Lock()
	defer im.mu.Unlock()
	if im.passedLocked(at) || im.ahead[string(at.Key)] {
		return false
	}
	im.wg.Add(1)
	return true
}

// writeKey imports one key of a copy.
func (im *importer) writeKey(c storage.Copy, key []byte) error {
	value, found, closer, err := im.store.Get(c.Slot, key)
	if err != nil {
		return fmt.Errorf("read the data to import: %w", err)
	}
	value.Value = bytes.Clone(value.Value)
	if err := closer.Close(); err != nil || !found {
		return err
	}
	at := storage.Cursor{Partition: c.Partition, Key: key}
	return im.writeOnce(im.ctx, record{at: at, origin: c.Origin, value: value})
}

// passedLocked reports whether the place's turn is over.
func (im *importer) passedLocked(at storage.Cursor) bool {
	if im.all || at.Partition != im.done.Partition {
		return im.all || at.Partition < im.done.Partition
	}
	return im.done.Key != nil && bytes.Compare(at.Key, im.done.Key) <= 0
}
