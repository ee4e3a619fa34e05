package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
	"pipelinedht/tests/register"
)

// cluster is a set of nodes in one synctest bubble, on a network in memory.
type cluster struct {
	t     *testing.T
	net   *network
	begun time.Time
	log   *slog.Logger
	mu    sync.Mutex // guards nodes, where goroutines of the test use it
	nodes map[string]*Node
	// partitions of the clusters that its nodes found.
	partitions int
	// over is closed when the test is: its tasks end then, even if it failed.
	over  chan struct{}
	tasks sync.WaitGroup
	// skew is by how much the clocks of the nodes run faster or slower at most.
	skew float64
	// histories of workloads that have ended.
	histories []*register.History
}

// inBubble runs f with a cluster of no nodes yet, under simulated time. Nodes that
// f leaves open are closed, and then the histories of its workloads are judged.
func inBubble(t *testing.T, f func(c *cluster)) {
	t.Helper()
	var histories []*register.History
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, net: newNetwork(), begun: time.Now(), nodes: make(map[string]*Node), over: make(chan struct{}), partitions: 16}
		c.log = slog.New(slog.DiscardHandler)
		if testing.Verbose() && os.Getenv("NODE_LOG") != "" {
			c.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
		}
		defer func() {
			close(c.over)
			c.tasks.Wait()
			for name := range c.nodes {
				c.stop(name)
			}
			histories = c.histories
		}()
		f(c)
	})
	for _, h := range histories {
		faults, err := h.Check(func() string { return drawings(t) })
		for _, f := range faults {
			t.Error(f)
		}
		if err != nil {
			t.Error(err)
		}
	}
}

// drawings is a directory that outlasts the test, which has failed.
func drawings(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "history-")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// config of the node with that name; its address is NAME:1.
func (c *cluster) config(name string) Config {
	station := c.net.station(name + ":1")
	return Config{
		Name:       name,
		Listener:   station,
		Partitions: c.partitions,
		Logger:     c.log,
		Dial:       station.dial,
		Clock:      c.clock(),
	}
}

// clock returns one that shows some time, and runs at its own speed.
func (c *cluster) clock() func() time.Duration {
	begun := time.Now().Add(-rand.N(time.Hour))
	speed := 1 + c.skew*(2*rand.Float64()-1)
	return func() time.Duration { return time.Duration(float64(time.Since(begun)) * speed) }
}

// start starts a node and waits until it is ready.
func (c *cluster) start(name string, options ...func(*Config)) *Node {
	c.t.Helper()
	n := c.open(name, options...)
	c.awaitReady(n)
	return n
}

// open starts a node.
func (c *cluster) open(name string, options ...func(*Config)) *Node {
	c.t.Helper()
	cfg := c.config(name)
	for _, option := range options {
		option(&cfg)
	}
	n, err := Open(c.t.Context(), cfg)
	if err != nil {
		c.t.Fatalf("start %s: %v", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nodes[name] = n
	return n
}

// startAll starts nodes.
func (c *cluster) startAll(names ...string) {
	for _, name := range names {
		c.start(name)
	}
}

// node returns the node with that name, nil if it does not run.
func (c *cluster) node(name string) *Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nodes[name]
}

// take takes a node out of the cluster.
func (c *cluster) take(name string) *Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.nodes[name]
	delete(c.nodes, name)
	return n
}

// stop stops a node, as on SIGTERM with no patience.
func (c *cluster) stop(name string) {
	c.t.Helper()
	n := c.take(name)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := n.Close(ctx); err != nil {
		c.t.Errorf("close %s: %v", name, err)
	}
}

// crash ends a node whose disk and network have failed.
func (c *cluster) crash(name string) {
	n := c.take(name)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	n.Close(ctx) // what it could not close is of no matter
}

// awaitReady waits until the node serves.
func (c *cluster) awaitReady(n *Node) {
	c.t.Helper()
	c.eventually(time.Minute, "ready", func() error { return n.Ready() })
}

// eventually polls until f returns nil, for at most limit of simulated time.
func (c *cluster) eventually(limit time.Duration, what string, f func() error) {
	c.t.Helper()
	var err error
	for end := time.Now().Add(limit); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	c.t.Fatalf("not %s within %v: %v", what, limit, err)
}

// join has a node join the first of others that answers.
func (c *cluster) join(name string, others ...string) httpapi.JoinReport {
	c.t.Helper()
	report, err := c.tryJoin(name, others...)
	if err != nil {
		c.t.Fatalf("%s joins %v: %v", name, others, err)
	}
	return report
}

func (c *cluster) tryJoin(name string, others ...string) (httpapi.JoinReport, error) {
	return c.tryJoinOf(c.node(name), others...)
}

func (c *cluster) tryJoinOf(n *Node, others ...string) (httpapi.JoinReport, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	var contacts []httpapi.Contact
	for _, o := range others {
		contacts = append(contacts, httpapi.Contact{Name: o, Address: o + ":1"})
	}
	return n.Join(ctx, contacts)
}

func (c *cluster) leave(name string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := c.nodes[name].Leave(ctx); err != nil {
		c.t.Fatalf("%s leaves: %v", name, err)
	}
}

func timeout(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}

// put writes through a node.
func (c *cluster) put(name, key, value string) {
	c.t.Helper()
	op := partition.Op{Kind: partition.OpPut, Key: []byte(key), Value: []byte(value)}
	if _, _, err := (table{c.nodes[name]}).Write(context.Background(), op); err != nil {
		c.t.Fatalf("put %s through %s: %v", key, name, err)
	}
}

// del deletes through a node.
func (c *cluster) del(name, key string) {
	c.t.Helper()
	op := partition.Op{Kind: partition.OpDelete, Key: []byte(key)}
	if _, _, err := (table{c.nodes[name]}).Write(context.Background(), op); err != nil {
		c.t.Fatalf("delete %s through %s: %v", key, name, err)
	}
}

// get reads through a node; missing keys read as "-".
func (c *cluster) get(name, key string) string {
	c.t.Helper()
	value, err := read(context.Background(), c.nodes[name], key)
	if err != nil {
		c.t.Fatalf("get %s through %s: %v", key, name, err)
	}
	return value
}

func read(ctx context.Context, n *Node, key string) (string, error) {
	r, err := table{n}.Get(ctx, []byte(key))
	if err != nil {
		return "", err
	}
	defer r.Close()
	if !r.Found {
		return "-", nil
	}
	return string(r.Record.Value), nil
}

// expect checks a key's value through every one of the nodes.
func (c *cluster) expect(key, want string, names ...string) {
	c.t.Helper()
	for _, name := range names {
		if got := c.get(name, key); got != want {
			c.t.Errorf("%s through %s: got %q, want %q", key, name, got, want)
		}
	}
}

// keys lists the keys that a node is primary for, sorted.
func (c *cluster) keys(name string) []string {
	c.t.Helper()
	var keys []string
	err := table{c.nodes[name]}.Keys(context.Background(), func(key []byte) bool {
		keys = append(keys, string(key))
		return true
	})
	if err != nil {
		c.t.Fatalf("keys of %s: %v", name, err)
	}
	slices.Sort(keys)
	return keys
}

// peers checks what every node says of its cluster's peers.
func (c *cluster) peers(names ...string) {
	c.t.Helper()
	for _, name := range names {
		got := slices.Sorted(slices.Values(c.nodes[name].Peers()))
		if want := slices.Sorted(slices.Values(names)); !slices.Equal(got, want) {
			c.t.Errorf("peers of %s: got %v, want %v", name, got, want)
		}
	}
}

// numbered returns prefix1 to prefixN.
func numbered(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprintf("%s%d", prefix, i+1)
	}
	return keys
}

// errIs fails the test unless err is want.
func errIs(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error: got %v, want one that is %q", err, want)
	}
}
