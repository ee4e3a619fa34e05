package fsm

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// A pipeline that breaks may wait for itself for ever (rpcsInFlight): the leader's
// replication to that node, a leave and Close would never end.
func TestAppendsAreNotPipelined(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	w := newWire(1, oneStream{near}, func() uint64 { return 1 }, hclog.NewNullLogger())
	defer w.Close()
	p, err := w.AppendEntriesPipeline(serverID(2), serverAddress(2))
	if !errors.Is(err, raft.ErrPipelineReplicationNotSupported) {
		t.Errorf("a pipeline: got %v, %v, want none", p, err)
	}
}

// oneStream is a StreamLayer that has one stream, and accepts none.
type oneStream struct{ net.Conn }

func (s oneStream) Dial(raft.ServerAddress, time.Duration) (net.Conn, error) { return s.Conn, nil }
func (s oneStream) Accept() (net.Conn, error)                                { return nil, net.ErrClosed }
func (s oneStream) Addr() net.Addr                                           { return s.LocalAddr() }

func TestAVoteGoesPastDeadStreams(t *testing.T) {
	cases := []struct {
		name  string
		fails int
		takes time.Duration // each failure
		tries int
		ok    bool
	}{
		{"alive", 0, 0, 1, true},
		{"all pooled streams dead", pooledStreams, 0, pooledStreams + 1, true},
		{"nobody there", 99, 0, pooledStreams + 1, false},
		{"out of reach", 99, rpcTimeout, 1, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				err := pastDeadStreams(func() error {
					if tries++; tries <= c.fails {
						time.Sleep(c.takes)
						return errors.New("broken")
					}
					return nil
				})
				if (err == nil) != c.ok || tries != c.tries {
					t.Fatalf("%d tries, %v; want %d, success %v", tries, err, c.tries, c.ok)
				}
			})
		})
	}
}

func TestAFollowerCommitsWhatItSharesWithTheLeader(t *testing.T) {
	entries := []*raft.Log{{Index: 6}, {Index: 7}}
	for _, c := range []struct {
		prev    uint64
		entries []*raft.Log
		commit  uint64 // the leader's
		want    uint64
	}{
		{prev: 5, entries: entries, commit: 9, want: 7},
		{prev: 5, entries: entries, commit: 6, want: 6},
		{prev: 5, commit: 9, want: 5},
		{prev: 0, commit: 9, want: 0},
	} {
		args := raft.AppendEntriesRequest{PrevLogEntry: c.prev, Entries: c.entries, LeaderCommitIndex: c.commit}
		if commitsMatched(&args); args.LeaderCommitIndex != c.want {
			t.Errorf("%d entries after %d, %d committed: sends %d, want %d", len(c.entries), c.prev, c.commit, args.LeaderCommitIndex, c.want)
		}
	}
}
