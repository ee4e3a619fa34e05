package load

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

const (
	redialPause = 100 * time.Millisecond // after a connection could not be made
	renewEvery  = time.Second            // the deadline of a connection
	hurryWithin = 2 * time.Second        // for the last answer once the load is stopped
)

// client is one closed loop on one connection.
type client struct {
	target     Target
	valueBytes int
	think      time.Duration
	timeout    time.Duration
	reads      float64
	spread     *zipf
	random     *rand.Rand
	speaker    Speaker
	key        []byte
	stopped    *atomic.Bool // of the whole load

	mu    sync.Mutex // guards conn against hurry, and tally
	conn  *conn      // replaced by drive only
	tally Tally      // since it was last taken
}

func (l *Load) client(target Target, spread *zipf, stopped *atomic.Bool) *client {
	c := &client{
		target:     target,
		valueBytes: l.ValueBytes,
		think:      l.Think,
		timeout:    cmp.Or(l.Timeout, answerWithin),
		reads:      l.Reads,
		spread:     spread,
		random:     rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
		stopped:    stopped,
	}
	dialect := l.Dialect
	if dialect == nil {
		dialect = HTTP{}
	}
	c.key = target.Keys.Append(nil, 0)
	c.speaker = dialect.Speaker(len(c.key), l.ValueBytes)
	// What a speaker prepares at the first request is not to be measured.
	if l.Reads > 0 {
		c.speaker.Request(Get, c.key, 0)
	}
	if l.Reads < 1 {
		c.speaker.Request(Put, c.key, 0)
	}
	return c
}

// dial makes the connection, or makes it anew.
func (c *client) dial(ctx context.Context) error {
	fresh, err := dial(ctx, c.target.Address, c.speaker, c.valueBytes)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.Close()
	}
	c.conn = fresh
	return nil
}

func closeAll(clients []*client) {
	for _, c := range clients {
		c.conn.Close()
	}
}

// hurry bounds the wait for the answer under way. It comes after stopped is set.
func (c *client) hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.conn.SetDeadline(time.Now().Add(hurryWithin)) // fails if it is closed: as good
}

// take moves the figures so far into another tally.
func (c *client) take(into *Tally) {
	c.mu.Lock()
	defer c.mu.Unlock()
	into.Merge(&c.tally)
	c.tally = Tally{}
}

// drive sends until end, or until the load is stopped.
func (c *client) drive(ctx context.Context, end time.Time) {
	for {
		err := c.converse(end)
		if err == nil || c.stopped.Load() {
			return
		}
		if !errors.Is(err, ErrClosing) {
			c.fail(err)
		}
		for err := c.dial(ctx); err != nil; err = c.dial(ctx) {
			if ctx.Err() != nil || time.Now().After(end) {
				return
			}
			c.fail(err)
			select {
			case <-time.After(redialPause):
			case <-ctx.Done():
				return
			}
		}
	}
}

// converse sends one request after another on the present connection. An error
// means that it is of no use any more.
func (c *client) converse(end time.Time) error {
	var renew time.Time
	for sent := time.Now(); sent.Before(end); {
		if sent.After(renew) {
			renew = sent.Add(renewEvery)
			if err := c.conn.SetDeadline(sent.Add(renewEvery + c.timeout)); err != nil {
				return err
			}
		}
		// This look comes after the deadline was set, so that a hurry which it
		// misses sets a later one.
		if c.stopped.Load() {
			return nil
		}
		op := c.op()
		status, err := c.exchange(op)
		if err != nil && !errors.Is(err, ErrClosing) {
			return err
		}
		now := time.Now()
		c.count(op, status, now.Sub(sent))
		if err != nil {
			return err
		}
		if sent = now; c.think > 0 {
			time.Sleep(c.think)
			sent = time.Now()
		}
	}
	return nil
}

// exchange sends one request and reads its answer.
func (c *client) exchange(op Op) (status int, err error) {
	c.key = c.target.Keys.Append(c.key[:0], c.spread.choose(c.random))
	if _, err := c.conn.Write(c.speaker.Request(op, c.key, c.random.Uint64())); err != nil {
		return NoAnswer, err
	}
	return c.speaker.Answer(c.conn.reader)
}

func (c *client) op() Op {
	if c.reads == 1 || c.reads > 0 && c.random.Float64() < c.reads {
		return Get
	}
	return Put
}

func (c *client) count(op Op, status int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.add(op, status, took)
}

func (c *client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tally.fail(NoAnswer)
	c.tally.Err = err
}
