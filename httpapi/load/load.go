package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// watchEvery is how often Watch is called.
const watchEvery = time.Second

// Load is a closed loop of clients.
type Load struct {
	Targets     []Target
	Dialect     Dialect // nil: HTTP
	Connections int     // spread over the targets in turn
	Reads       float64 // share of Gets among the requests, 0 to 1; the others are Puts
	ValueBytes  int     // of a value that is put, at least StampBytes; of those read, if known
	// Skew is the exponent of the Zipf distribution of the keys, from 0, which is
	// uniform, to below 1. A target's first key is its hottest one.
	Skew    float64
	Think   time.Duration // from an answer to the next request; short, for a stop waits for it
	Timeout time.Duration // for an answer; 0: 30 s
	// Watch, if set, is called once a second with what came since the call before.
	Watch func(*Tally)
}

// Target is a server and the keys that it is asked for.
type Target struct {
	Address string // host:port
	Keys    Keys
}

// Result is what came of a load.
type Result struct {
	Tally
	Elapsed time.Duration // from the first request to the last answer
}

// Rate returns how many requests succeeded a second.
func (r *Result) Rate() float64 { return float64(r.Done()) / r.Elapsed.Seconds() }

// Run drives the load for d and returns what came of it. Where ctx ends first, the
// result is what there was until then, and no error. Once all connections have
// been made nothing but ctx ends it early: one that breaks counts as a failed
// request and is made anew.
func (l *Load) Run(ctx context.Context, d time.Duration) (*Result, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	var stopped atomic.Bool
	clients, err := l.connect(ctx, &stopped)
	if err != nil {
		return nil, err
	}
	defer closeAll(clients)
	defer context.AfterFunc(ctx, func() {
		stopped.Store(true)
		for _, c := range clients {
			c.hurry()
		}
	})()
	begun := time.Now()
	var all sync.WaitGroup
	for _, c := range clients {
		all.Go(func() { c.drive(ctx, begun.Add(d)) })
	}
	done := make(chan struct{})
	go func() {
		all.Wait()
		close(done)
	}()
	total := l.follow(clients, done)
	return &Result{total, time.Since(begun)}, nil
}

// connect makes all clients, ready to send.
func (l *Load) connect(ctx context.Context, stopped *atomic.Bool) ([]*client, error) {
	spread := make(map[int]*zipf) // by the number of keys
	var clients []*client
	for i := range l.Connections {
		target := l.Targets[i%len(l.Targets)]
		count := target.Keys.Count()
		if spread[count] == nil {
			spread[count] = newZipf(count, l.Skew)
		}
		c := l.client(target, spread[count], stopped)
		if err := c.dial(ctx); err != nil {
			closeAll(clients)
			return nil, err
		}
		clients = append(clients, c)
	}
	return clients, nil
}

// follow adds up what comes of the clients until done is closed.
func (l *Load) follow(clients []*client, done <-chan struct{}) Tally {
	var total Tally
	collect := func() *Tally {
		var since Tally
		for _, c := range clients {
			c.take(&since)
		}
		total.Merge(&since)
		return &since
	}
	if l.Watch != nil {
		tick := time.NewTicker(watchEvery)
		defer tick.Stop()
		for running := true; running; {
			select {
			case <-tick.C:
				l.Watch(collect())
			case <-done:
				running = false
			}
		}
	}
	<-done
	collect()
	return total
}

func (l *Load) check() error {
	switch {
	case len(l.Targets) == 0:
		return errors.New("a load needs a target")
	case l.Connections < 1:
		return fmt.Errorf("%d connections: a load needs one", l.Connections)
	case !(l.Reads >= 0 && l.Reads <= 1):
		return fmt.Errorf("a share of reads of %v is not from 0 to 1", l.Reads)
	case l.Reads < 1 && l.ValueBytes < StampBytes:
		return fmt.Errorf("values of %d bytes: %d are needed, to differ", l.ValueBytes, StampBytes)
	case !(l.Skew >= 0 && l.Skew < 1):
		return fmt.Errorf("a skew of %v is not from 0 to below 1", l.Skew)
	}
	errs := make([]error, len(l.Targets))
	for i, t := range l.Targets {
		errs[i] = checkKeys(t.Keys)
	}
	return cmp.Or(errs...)
}
