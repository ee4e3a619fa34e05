package httpapi

import (
	"errors"
	"math"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// deadline is the read or the write deadline of a connection, and cheap to move:
// net/http moves one eight times a request, for which a socket takes locks and a
// timer each time. So the connection below is told only of a deadline that a call
// waits for, and that is before the one which it knows. When that passes too early,
// the call goes on, with the present one.
type deadline struct {
	began   time.Time // times are nanoseconds after it
	at      atomic.Int64
	calls   atomic.Int32 // under way
	arming  sync.Mutex
	armed   atomic.Int64          // what the connection below knows; changed under arming
	setConn func(time.Time) error // of the connection below
}

const (
	noDeadline = math.MaxInt64 // later than any
	// interrupted stands for all before began, as net/http's way to end a call: it
	// has passed, whatever the time is.
	interrupted = -1
)

func (d *deadline) init(began time.Time, setConn func(time.Time) error) {
	d.began, d.setConn = began, setConn
	d.at.Store(noDeadline)
	d.armed.Store(noDeadline)
}

// set moves the deadline, for the calls under way too; zero: there is none.
func (d *deadline) set(t time.Time) error {
	at := int64(noDeadline)
	if !t.IsZero() {
		at = max(int64(t.Sub(d.began)), interrupted)
	}
	d.at.Store(at)
	// The order matters: a call that begins now, or arms, sees what was stored.
	if d.calls.Load() > 0 && at < d.armed.Load() {
		return d.arm()
	}
	return nil
}

// arm tells the connection below.
func (d *deadline) arm() error {
	d.arming.Lock()
	defer d.arming.Unlock()
	for {
		at := d.at.Load()
		d.armed.Store(at)
		var t time.Time
		if at != noDeadline {
			t = d.began.Add(time.Duration(at))
		}
		if err := d.setConn(t); err != nil || d.at.Load() >= at {
			return err
		}
	}
}

// begin stands before a call to the connection below; end after it, in any case.
func (d *deadline) begin() error {
	d.calls.Add(1)
	at, armed := d.at.Load(), d.armed.Load()
	switch {
	case at == interrupted:
		return os.ErrDeadlineExceeded
	case at < armed, armed == interrupted:
		return d.arm()
	}
	return nil
}

func (d *deadline) end() { d.calls.Add(-1) }

// early reports whether a call ended with err for a deadline that has been moved
// on, so that it is to be repeated.
func (d *deadline) early(err error) bool {
	if err == nil || !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	at := d.at.Load()
	return (at == noDeadline || at > int64(time.Since(d.began))) && d.arm() == nil
}
