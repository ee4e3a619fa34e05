package fsm

import (
	"bytes"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

// snapshotCall is what a leader sends with a snapshot of that size, up to that entry.
func snapshotCall(from *Raft, size int, last uint64) raft.InstallSnapshotRequest {
	c := from.raft.GetConfiguration()
	return raft.InstallSnapshotRequest{
		RPCHeader:       raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax, ID: []byte(serverID(from.cfg.Self)), Addr: []byte(from.wire.self)},
		SnapshotVersion: raft.SnapshotVersionMax,
		Term:            from.raft.CurrentTerm(), Leader: []byte(from.wire.self),
		LastLogIndex: last, LastLogTerm: from.raft.CurrentTerm(),
		Configuration: raft.EncodeConfiguration(c.Configuration()), ConfigurationIndex: c.Index(),
		Size: int64(size),
	}
}

// stalled is a snapshot whose end does not come before release is closed.
type stalled struct {
	start   io.Reader
	release chan struct{}
}

func (s *stalled) Read(b []byte) (int, error) {
	n, err := s.start.Read(b)
	if err == io.EOF {
		<-s.release
	}
	return n, err
}

// A snapshot may come late, by a stream that stood still, when the leader has long
// sent it again by another one, and what came after it too. Nothing goes back then.
func TestALateSnapshotIsNotInstalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, onDisk(t))
		leader, follower := c.up[1], c.up[3]
		c.together()
		content, last := encodeState(leader.machine.state.Load()), leader.raft.AppliedIndex()
		for i := range 5 {
			if err := leader.propose(c.ctx(time.Second), &peerUp{string(rune('a'+i)) + ":1"}); err != nil {
				t.Fatal(err)
			}
		}
		c.together()
		version := follower.Map().Version
		args, answer := snapshotCall(leader, len(content), last), raft.InstallSnapshotResponse{}
		err := leader.wire.InstallSnapshot(serverID(3), serverAddress(3), &args, &answer, bytes.NewReader(content))
		if err != nil || !answer.Success {
			t.Errorf("answer %+v, %v", answer, err)
		}
		if now := follower.Map().Version; now < version {
			t.Errorf("the map went from version %d back to %d", version, now)
		}
		if err := leader.propose(c.ctx(time.Second), &peerUp{"z:1"}); err != nil {
			t.Fatal(err)
		}
		c.together()
		c.stop(3)
		c.start(3, nil)
		c.together()
	})
}

// A leader may end while it sends a snapshot, and its stream stay open, for it is
// the network that has gone. The others elect another one.
func TestASnapshotThatStopsHalfwayHoldsNobodyUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 3, nil)
		leader, follower := c.up[1], c.up[3]
		const size = 1 << 20
		args := snapshotCall(leader, size, leader.raft.AppliedIndex()+10)
		streams := &testStreams{net: c.net, id: 1, closed: make(chan struct{})}
		transport := raft.NewNetworkTransport(streams, 1, time.Hour, c.t.Output())
		halfway := &stalled{bytes.NewReader(make([]byte, size/2)), make(chan struct{})}
		sent := make(chan error)
		go func() {
			sent <- transport.InstallSnapshot(serverID(3), serverAddress(3), &args, new(raft.InstallSnapshotResponse), halfway)
		}()
		synctest.Wait()
		c.stop(1)
		if err := follower.propose(c.ctx(10*time.Second), &peerUp{"z:1"}); err != nil {
			t.Errorf("without the leader: %v", err)
		}
		close(halfway.release)
		if err := <-sent; err == nil {
			t.Error("half of a snapshot was installed")
		}
		if err := transport.Close(); err != nil {
			t.Error(err)
		}
	})
}

// split cuts these nodes from all others, breaking their connections, also those
// between them.
func (n *testNet) split(these ...partition.NodeID) {
	for _, id := range these {
		n.isolate(id, true)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range these {
		for _, b := range these {
			delete(n.cut, [2]partition.NodeID{a, b})
		}
	}
}

// A node whose log begins with what follows a snapshot of the leader's may have an
// entry there that was never committed.
func TestAnEntryAfterASnapshotIsReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := grown(t, 5, nil)
		leader, follower := c.up[1], c.up[5]
		short := leader.raft.ReloadableConfig()
		short.TrailingLogs = 0
		if err := leader.raft.ReloadConfig(short); err != nil {
			t.Fatal(err)
		}
		// Once more if an entry of the leader's own comes right behind its snapshot.
		c.within(time.Minute, "only a snapshot", func() bool {
			c.net.isolate(5, true)
			for i := range 4 {
				if err := leader.propose(c.ctx(time.Second), &peerUp{fmt.Sprint("host:", i)}); err != nil {
					t.Fatal(err)
				}
			}
			c.within(time.Second, "all applied", func() bool { return leader.raft.AppliedIndex() == leader.raft.LastIndex() })
			if err := leader.raft.Snapshot().Error(); err != nil {
				t.Fatal(err)
			}
			c.net.isolate(5, false)
			c.together()
			last, err := follower.stores.log.LastIndex()
			return err == nil && last == 0
		})
		c.net.split(1, 5)
		last := follower.raft.LastIndex()
		leader.raft.Apply(nil, time.Second)
		c.within(time.Second, "an entry that is not committed", func() bool { return follower.raft.LastIndex() > last })
		if err := c.up[2].propose(c.ctx(10*time.Second), &peerUp{"new:1"}); err != nil {
			t.Fatal(err)
		}
		c.net.isolate(1, false)
		c.net.isolate(5, false)
		c.together()
	})
}
