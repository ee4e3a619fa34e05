package transport_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"pipelinedht/partition"
	"pipelinedht/transport"
)

// journal is a raft.FSM that keeps what it applies.
type journal struct {
	mu      sync.Mutex
	entries []string
}

func (j *journal) Apply(l *raft.Log) any {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = append(j.entries, string(l.Data))
	return nil
}

func (j *journal) Snapshot() (raft.FSMSnapshot, error) { return nil, errors.New("not in this test") }
func (j *journal) Restore(r io.ReadCloser) error       { return r.Close() }

func (j *journal) has(entry string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.entries) > 0 && j.entries[len(j.entries)-1] == entry
}

func startRaft(t testing.TB, n *node, members raft.Configuration) (*raft.Raft, *journal) {
	t.Helper()
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(n.id.Node.String())
	c.Logger = hclog.NewNullLogger()
	streams := raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: n.StreamLayer(), MaxPool: 3, Timeout: 5 * time.Second, Logger: c.Logger})
	store, j := raft.NewInmemStore(), &journal{}
	r, err := raft.NewRaft(c, j, store, store, raft.NewInmemSnapshotStore(), streams)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.BootstrapCluster(members).Error(); err != nil {
		t.Fatal(err)
	}
	return r, j
}

// TestRaftElectsOverItsStreams runs two Raft nodes, loses all their connections,
// and has them agree again.
func TestRaftElectsOverItsStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		var members raft.Configuration
		var nodes []*node
		for id := partition.NodeID(1); id <= 2; id++ {
			members.Servers = append(members.Servers, raft.Server{ID: raft.ServerID(id.String()), Address: raft.ServerAddress(id.String())})
			nodes = append(nodes, startPiped(t, network, b, id, 1, &handler{}))
		}
		var rafts []*raft.Raft
		var journals []*journal
		for _, n := range nodes {
			r, j := startRaft(t, n, members)
			rafts, journals = append(rafts, r), append(journals, j)
		}
		agree := func(entry string) {
			deadline := time.Now().Add(time.Minute)
			for !journals[0].has(entry) || !journals[1].has(entry) {
				if time.Now().After(deadline) {
					t.Fatalf("no agreement on %q in a minute", entry)
				}
				for _, r := range rafts {
					if r.State() == raft.Leader {
						r.Apply([]byte(entry), time.Second)
					}
				}
				time.Sleep(100 * time.Millisecond) // of the simulated clock
			}
		}
		agree("first")
		network.each(func(c *pipeConn) { c.Close() })
		agree("second")
		for _, r := range rafts {
			if err := r.Shutdown().Error(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestRaftStreamsCarryBytesBothWays(t *testing.T) {
	b := newBook()
	one := startNode(t, b, 1, &handler{}, nil)
	two := startNode(t, b, 2, &handler{}, nil)
	if got := one.StreamLayer().Addr().String(); got != one.id.Node.String() {
		t.Errorf("address %q, want the node's id", got)
	}
	out, err := two.StreamLayer().Dial(raft.ServerAddress(one.id.Node.String()), 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	in, err := one.StreamLayer().Accept()
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range [][2]net.Conn{{out, in}, {in, out}} {
		want := bytes.Repeat([]byte("raft "), 200<<10)
		go way[0].Write(want)
		got := make([]byte, len(want))
		if _, err := io.ReadFull(way[1], got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes did not arrive whole: %v", len(want), err)
		}
	}
	two.Close()
	if _, err := in.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("read after the other end closed: error %v, want EOF", err)
	}
	one.Close()
	if _, err := one.StreamLayer().Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept after Close: error %v, want net.ErrClosed", err)
	}
	if _, err := one.StreamLayer().Dial(raft.ServerAddress(two.id.Node.String()), time.Second); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("dial after Close: error %v, want ErrClosed", err)
	}
}

func TestTheIdlestOfTooManyRaftStreamsIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		one := startPiped(t, network, b, 1, 1, &handler{})
		two := startPiped(t, network, b, 2, 1, &handler{})
		var dialled []net.Conn
		dial := func() {
			c, err := two.StreamLayer().Dial("0000000000000001", time.Second)
			if err != nil {
				t.Fatal(err)
			}
			accepted, err := one.StreamLayer().Accept()
			if err != nil {
				t.Fatal(err)
			}
			go io.Copy(io.Discard, accepted)
			dialled = append(dialled, c)
			time.Sleep(time.Second)
		}
		for range 16 {
			dial()
		}
		for i, c := range dialled {
			if i != 5 {
				c.Write([]byte("x"))
			}
		}
		synctest.Wait()
		dial()
		for i, c := range dialled {
			if _, err := c.Write([]byte("x")); (err != nil) != (i == 5) {
				t.Errorf("stream %d: write error %v", i, err)
			}
		}
	})
}

func TestRaftDialsThatCannotWork(t *testing.T) {
	b := newBook()
	one := startNode(t, b, 1, &handler{}, nil)
	for _, address := range []raft.ServerAddress{"", "localhost:80", "0000000000000009"} {
		if c, err := one.StreamLayer().Dial(address, time.Second); err == nil {
			c.Close()
			t.Errorf("dial %q: no error", address)
		}
	}
}
