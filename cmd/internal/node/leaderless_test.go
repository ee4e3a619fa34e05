package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pipelinedht/partition"
)

// raftCut breaks the streams of Raft from and to one node, and nothing else.
type raftCut struct {
	mu   sync.Mutex
	cut  string // address of the node; "": nobody's
	open map[*raftCutConn]bool
}

// raftCutConn is the dialling end of a connection, which says in its first write
// what it is for.
type raftCutConn struct {
	net.Conn
	cutter *raftCut
	ends   [2]string
	said   atomic.Bool
	raft   atomic.Bool
}

// option has a node dial through r.
func (r *raftCut) option(cfg *Config) {
	dial, from := cfg.Dial, cfg.Name+":1"
	cfg.Dial = func(ctx context.Context, to string) (net.Conn, error) {
		conn, err := dial(ctx, to)
		if err != nil {
			return nil, err
		}
		c := &raftCutConn{Conn: conn, cutter: r, ends: [2]string{from, to}}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.open[c] = true
		return c, nil
	}
}

// silence cuts one node off from Raft, instead of the one before.
func (r *raftCut) silence(address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = address
	for c := range r.open {
		if c.barredLocked() {
			delete(r.open, c)
			c.Conn.Close()
		}
	}
}

func (c *raftCutConn) barredLocked() bool {
	return c.raft.Load() && (c.ends[0] == c.cutter.cut || c.ends[1] == c.cutter.cut)
}

func (c *raftCutConn) Write(b []byte) (int, error) {
	if !c.said.Swap(true) {
		c.raft.Store(bytes.Contains(b, []byte("Dht-Kind: raft\r\n")))
	}
	c.cutter.mu.Lock()
	barred := c.barredLocked()
	c.cutter.mu.Unlock()
	if barred {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func (c *raftCutConn) Close() error {
	c.cutter.mu.Lock()
	delete(c.cutter.open, c)
	c.cutter.mu.Unlock()
	return c.Conn.Close()
}

// leader returns the name of the node that leads Raft, in the word of all others;
// "" while they disagree.
func (c *cluster) leader(except string) (name string) {
	var leader partition.NodeID
	for other, n := range c.nodes {
		if other == except {
			continue
		}
		id, ok := n.life().raft.Load().Leader()
		if !ok || leader != 0 && id != leader {
			return ""
		}
		leader = id
	}
	for name, n := range c.nodes {
		if n.life().record.Node == leader {
			return name
		}
	}
	return ""
}

// awaitLeader waits until all but one agree on a leader, and not on that one.
func (c *cluster) awaitLeader(except string) {
	c.t.Helper()
	c.eventually(time.Minute, "all agree on a leader", func() error {
		if name := c.leader(except); name == "" || name == except {
			return errors.New("they do not")
		}
		return nil
	})
}

const (
	leaderlessLatency = 2 * time.Millisecond  // of a write to a connection, at most
	prompt            = 50 * time.Millisecond // a request takes up to six hops, some behind another
)

// askAll writes and reads through the nodes without a pause until stop is closed, and
// fails the test where a request fails or waits. It returns their number in the end.
func (c *cluster) askAll(names []string, stop <-chan struct{}) (requests int) {
	var total atomic.Int64
	var clients sync.WaitGroup
	for _, name := range names {
		clients.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(7 * time.Millisecond):
				}
				key := fmt.Sprintf("%s-%d", name, i%50)
				for _, kind := range []kind{put, get} {
					began := time.Now()
					o := carryOut(c.nodes[name], step{kind: kind, key: key, value: key})
					total.Add(1)
					if took := time.Since(began); o.err != nil || took > prompt {
						c.t.Errorf("a request through %s at %v: took %v, want at most %v; error %v", name, time.Since(c.begun), took, prompt, o.err)
					}
				}
			}
		})
	}
	clients.Wait()
	return int(total.Load())
}

// TestLosingRaftsLeaderDelaysNoRequest takes Raft's streams, and nothing else, from
// one leader after another. Time is simulated, so a request takes what the network
// does, unless it waits for Raft.
func TestLosingRaftsLeaderDelaysNoRequest(t *testing.T) {
	inBubble(t, func(c *cluster) {
		cut := &raftCut{open: make(map[*raftCutConn]bool)}
		names := numbered("n", 3)
		for _, name := range names {
			c.start(name, cut.option)
		}
		for _, name := range names[1:] {
			c.join(name, names[0])
		}
		c.awaitOneMap(names)
		c.awaitVoters(names)
		c.net.slow(leaderlessLatency)
		stop, asked := make(chan struct{}), make(chan int, 1)
		go func() { asked <- c.askAll(names, stop) }()
		defer func() {
			close(stop)
			n := <-asked
			if t.Logf("%d requests", n); n < 1000 {
				t.Errorf("got %d requests, want 1000 or more", n)
			}
		}()
		for _, silence := range []time.Duration{0, time.Second, 10 * time.Second} {
			c.awaitLeader("")
			old := c.leader("")
			cut.silence(old + ":1")
			c.awaitLeader(old)
			time.Sleep(silence)
			cut.silence("")
			c.awaitOneMap(names)
		}
	})
}
