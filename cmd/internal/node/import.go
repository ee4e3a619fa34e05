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

// newImporter returns an importer of intent's generation. ctx ends what it does for
// requests.
func newImporter(ctx context.Context, s *storage.Store, intent importIntent, log *slog.Logger) (*importer, error) {
	copies, err := s.Copies(intent.From)
	if err != nil {
		return nil, fmt.Errorf("read the data to import: %w", err)
	}
	im := &importer{
		store:  s,
		intent: intent,
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
