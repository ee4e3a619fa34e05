package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

const (
	// importFlight is how many records are on their way into the cluster at once.
	importFlight = 64
	// importKeys and importBytes bound what is read ahead.
	importKeys  = 1024
	importBytes = 16 << 20
	// aheadBytes bounds the memory for keys that requests had imported before
	// their turn. One more is imported again in its turn, which changes nothing
	// but may count it among the lost.
	aheadBytes = 64 << 20
	// importPause is the first pause after a write that found no primary, doubled
	// up to importPauseMax.
	importPause    = 50 * time.Millisecond
	importPauseMax = 2 * time.Second
)

// importer writes the records of an old generation into the current cluster, in
// the order of partition and key; requests have single keys brought before their
// turn (bring).
//
// Whatever it does may be done again: a record is written with a version of its
// own, min(own, S), and only over older ones.
type importer struct {
	store  *storage.Store
	intent importIntent
	into   partition.ClusterID
	write  func(context.Context, partition.Op) (partition.Outcome, partition.Info, error)
	copies map[partition.ID]storage.Copy // of the old generation
	log    *slog.Logger

	ctx context.Context // of the writes that bring starts
	wg  sync.WaitGroup  // of the goroutines that bring starts

	mu     sync.Mutex
	done   storage.Cursor           // every record up to here is in
	all    bool                     // every record is in
	ahead  map[string]bool          // keys beyond done that are in
	size   int                      // bytes of the keys in ahead
	busy   map[string]chan struct{} // keys being written; closed when that ends
	counts progress
}

// progress of an import, in keys. After a crash in the middle it counts anew.
type progress struct {
	Imported int `json:"imported"` // in the cluster now
	Lost     int `json:"lost"`     // the cluster had a later write
}

// record is one record of the old generation.
type record struct {
	at     storage.Cursor
	origin partition.Origin
	value  partition.Record // its Value is the record's own
}

// newImporter returns an importer of intent's generation into a cluster. ctx ends
// what it does for requests.
func newImporter(ctx context.Context, s *storage.Store, intent importIntent, into partition.ClusterID, log *slog.Logger) (*importer, error) {
	copies, err := s.Copies(intent.From)
	if err != nil {
		return nil, fmt.Errorf("read the data to import: %w", err)
	}
	im := &importer{
		store:  s,
		intent: intent,
		into:   into,
		copies: make(map[partition.ID]storage.Copy, len(copies)),
		log:    log,
		ctx:    ctx,
		ahead:  make(map[string]bool),
		busy:   make(map[string]chan struct{}),
	}
	for _, c := range copies {
		im.copies[c.Partition] = c
	}
	return im, nil
}

// run imports everything; from its return on, nothing is written any more. It
// returns early only when ctx ends or the store fails.
func (im *importer) run(ctx context.Context) error {
	for {
		records, err := im.read()
		if err != nil {
			return err
		}
		if len(records) == 0 {
			im.finish()
			im.wg.Wait()
			return nil
		}
		if err := im.writeAll(ctx, records); err != nil {
			return err
		}
		im.pass(records)
	}
}

// read returns the records that come next, none at the end.
func (im *importer) read() ([]record, error) {
	var records []record
	size := 0
	err := im.store.Scan(im.intent.From, im.done, func(at storage.Cursor, origin partition.Origin, r partition.Record) bool {
		at.Key = bytes.Clone(at.Key)
		r.Value = bytes.Clone(r.Value)
		records = append(records, record{at: at, origin: origin, value: r})
		size += len(at.Key) + len(r.Value)
		return len(records) < importKeys && size < importBytes
	})
	if err != nil {
		return nil, fmt.Errorf("read the data to import: %w", err)
	}
	return records, nil
}

// writeAll writes records, a bounded number at once.
func (im *importer) writeAll(ctx context.Context, records []record) error {
	var wg sync.WaitGroup
	errs := make([]error, min(importFlight, len(records)))
	for w := range errs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := w; i < len(records) && errs[w] == nil; i += len(errs) {
				errs[w] = im.writeOnce(ctx, records[i])
			}
		}()
	}
	wg.Wait()
	return errors.Join(errs...)
}

// pass notes that records, the next ones, are in.
func (im *importer) pass(records []record) {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.done = records[len(records)-1].at
	for _, r := range records {
		if im.ahead[string(r.at.Key)] {
			delete(im.ahead, string(r.at.Key))
			im.size -= len(r.at.Key)
		}
	}
}

// finish has requests bring nothing any more.
func (im *importer) finish() {
	im.mu.Lock()
	defer im.mu.Unlock()
	im.all = true
}

// finished reports whether everything is in.
func (im *importer) finished() bool {
	im.mu.Lock()
	defer im.mu.Unlock()
	return im.all
}

// progress returns the counts so far.
func (im *importer) progress() progress {
	im.mu.Lock()
	defer im.mu.Unlock()
	return im.counts
}

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
	if r.origin.Cluster == im.into {
		return own, r.value.Stamp > r.origin.Stamp
	}
	return own, !r.value.Tombstone
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
