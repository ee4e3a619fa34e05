package storage

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// failure is the one-way switch from a store that works to one that may not be
// used: the first error of writing throws it.
type failure struct {
	cause atomic.Pointer[error]
	log   *slog.Logger
	dir   string
	// fatal is Options.Fatal, from the end of Open on; nil: nobody is to be told.
	fatal    atomic.Pointer[func(error)]
	suspects suspects
}

func (f *failure) thrown() bool { return f.cause.Load() != nil }

// err returns nil as long as the store works, else ErrFailed with the cause.
func (f *failure) err() error {
	if cause := f.cause.Load(); cause != nil {
		return fmt.Errorf("%s: %w: %w", f.dir, ErrFailed, *cause)
	}
	return nil
}

// fail throws the switch. The first cause is logged and told to Options.Fatal.
func (f *failure) fail(cause error) {
	if !f.cause.CompareAndSwap(nil, &cause) {
		return
	}
	f.log.Error("store failed", "dir", f.dir, "error", cause)
	if fatal := f.fatal.Load(); fatal != nil {
		(*fatal)(f.err())
	}
}

// attempt makes a change of the disk, unless the switch is thrown; if it fails,
// that throws it.
func (f *failure) attempt(change func() error) {
	if f.thrown() {
		return
	}
	if err := change(); err != nil {
		f.fail(err)
	}
}

// first returns the cause if there is one, else err.
func (f *failure) first(err error) error {
	if cause := f.cause.Load(); cause != nil {
		return *cause
	}
	return err
}

// damaged takes note of a table that somebody found damaged.
func (f *failure) damaged(info pebble.DataCorruptionInfo) {
	if f.suspects.add(info) {
		f.log.Error("a file of the store is damaged: it cannot be compacted any more, so in the long run "+remedy,
			"file", info.Path, "error", info.Details)
	}
}

// background judges an error that Pebble met in a flush or a compaction. A damaged
// table is no reason to end: nothing was lost by it just now, and who reads from
// it is told (ErrCorrupt). Anything else means that the disk cannot be read.
func (f *failure) background(err error) {
	if pebble.IsCorruptionError(err) {
		return // which damaged has heard of
	}
	f.fail(err)
}

// Infof, Errorf and Fatalf make a failure the pebble.Logger. Pebble counts on
// Fatalf not returning; here it does return, but nothing is written or answered
// any more.
func (f *failure) Infof(format string, args ...any) {
	if f.log.Enabled(context.Background(), slog.LevelDebug) {
		f.log.Debug(fmt.Sprintf(format, args...))
	}
}

func (f *failure) Errorf(format string, args ...any) {
	f.log.Error(fmt.Sprintf(format, args...), "dir", f.dir)
}

func (f *failure) Fatalf(format string, args ...any) {
	f.fail(fmt.Errorf(format, args...))
}
