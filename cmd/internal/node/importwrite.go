package node

import (
	"context"
	"time"

	"pipelinedht/partition"
)

// writeOnce writes a record unless that was done already, by whomever.
func (im *importer) writeOnce(ctx context.Context, r record) error {
	op, ok := im.op(r)
	if !ok {
		return nil
	}
	key := string(r.at.Key)
	for {
		im.mu.Lock()
		if im.ahead[key] || im.passedLocked(r.at) {
			im.mu.Unlock()
			return nil
		}
		other := im.busy[key]
		if other == nil {
			im.busy[key] = make(chan struct{})
			im.mu.Unlock()
			break
		}
		im.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	outcome, err := im.writeUntil(ctx, op)
	im.mu.Lock()
	defer im.mu.Unlock()
	close(im.busy[key])
	delete(im.busy, key)
	if err != nil {
		return err
	}
	im.countLocked(op, outcome)
	if im.size < aheadBytes {
		im.ahead[key] = true
		im.size += len(key)
	}
	return nil
}

// op returns the operation that imports r; false if r is to stay behind: the
// cluster had it before, or it is the tombstone of a key that is not from there.
func (im *importer) op(r record) (partition.Op, bool) {
	own := partition.Op{
		Kind:  partition.OpImport,
		Stamp: min(r.value.Stamp, im.intent.Stamp),
		Key:   r.at.Key,
		Value: r.value.Value,
	}
	if r.value.Tombstone {
		own.Kind = partition.OpImportDelete
	}
	if r.origin.Cluster == im.intent.Into {
		return own, r.value.Stamp > r.origin.Stamp
	}
	return own, !r.value.Tombstone || im.intent.Deletes
}

// writeUntil writes op, again and again while no primary takes it or the outcome
// is not known.
func (im *importer) writeUntil(ctx context.Context, op partition.Op) (partition.Outcome, error) {
	for pause := importPause; ; pause = min(2*pause, importPauseMax) {
		outcome, _, err := im.write(ctx, op)
		if err == nil {
			return outcome, nil
		}
		im.log.Debug("import a key", "error", err)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return partition.Outcome{}, ctx.Err()
		}
	}
}

// countLocked notes the outcome of a write.
func (im *importer) countLocked(op partition.Op, o partition.Outcome) {
	switch {
	case op.Kind != partition.OpImport:
	case o.Failed && o.Stamp != op.Stamp: // the same stamp is that of an earlier try
		im.counts.Lost++
	default:
		im.counts.Imported++
	}
}
