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
	fatal func(error) // Options.Fatal; may be nil
	armed atomic.Bool // Open has succeeded: from now on fatal is told
}

// err returns nil as long as the store works, else ErrFailed with the cause.
func (f *failure) err() error {
	if cause := f.cause.Load(); cause != nil {
		return fmt.Errorf("%s: %w: %w", f.dir, ErrFailed, *cause)
	}
	return nil
}

// fail throws the switch. The first cause is logged and, unless Open is still to
// report it, passed to Options.Fatal.
func (f *failure) fail(cause error) {
	if !f.cause.CompareAndSwap(nil, &cause) {
		return
	}
	f.log.Error("store failed", "dir", f.dir, "error", cause)
	if f.fatal != nil && f.armed.Load() {
		f.fatal(f.err())
	}
}

// background judges an error that Pebble met in a flush or a compaction. Damaged
// tables are found again by whoever reads from them (ErrCorrupt), and a log
// record or memtable is given up for no such error. Anything else means that the
// disk does not take writes.
func (f *failure) background(err error) {
	if pebble.IsCorruptionError(err) {
		f.log.Error("damaged file", "dir", f.dir, "error", err)
		return
	}
	f.fail(err)
}

// Infof, Errorf and Fatalf make a failure the pebble.Logger. Pebble counts on
// Fatalf not returning; here it does return, and the fence sees to it that
// nothing more is written.
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
