package fsm

import (
	"errors"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"

	"pipelinedht/partition"
)

const (
	// rpcTimeout bounds a call of Raft's to another node.
	rpcTimeout = 3 * time.Second
	// pooledStreams is how many idle streams to one node are kept. One more than
	// that is how often a vote is asked for, as each of them may have died idle.
	pooledStreams = 2
	// patience is how long the replication to a silent node waits for a sign of
	// life before it reports a failure. Raft backs off up to 10 s after a dozen of
	// those and does not look up when the node returns; this way it gets there
	// only after minutes.
	patience = 30 * time.Second
	// rpcsInFlight to one node. With more than one Raft pipelines its appends, and
	// a pipeline (v1.7.3) that breaks with two under way and a third to come waits
	// for itself: nothing is replicated to that node any more, and Shutdown never
	// ends.
	rpcsInFlight = 1
)

// serverID is a node's name in Raft's configuration, and its address there:
// where it listens may change, and is the StreamLayer's business.
func serverID(n partition.NodeID) raft.ServerID { return raft.ServerID(n.String()) }

func serverAddress(n partition.NodeID) raft.ServerAddress { return raft.ServerAddress(n.String()) }

// wire is Raft's NetworkTransport, listened in on for contacts.
type wire struct {
	*raft.NetworkTransport
	self     raft.ServerAddress
	contacts *contacts
	term     func() uint64 // Raft's, of this node, or already the next one
	closing  chan struct{} // closed by Close
	inbox    *inbox
}

func newWire(self partition.NodeID, s raft.StreamLayer, term func() uint64, logger hclog.Logger) *wire {
	w := &wire{
		NetworkTransport: raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream: newStreams(s), MaxPool: pooledStreams, Timeout: rpcTimeout, Logger: logger,
			MaxRPCsInFlight: rpcsInFlight,
		}),
		self:     serverAddress(self),
		contacts: newContacts(),
		term:     term,
		closing:  make(chan struct{}),
	}
	w.inbox = &inbox{from: w.NetworkTransport.Consumer(), to: make(chan raft.RPC), closing: w.closing, term: term}
	return w
}

// SetHeartbeatHandler implements raft.Transport. Heartbeats get no handler: they
// come in by Consumer, in line with all else. Raft's own one (v1.7.3) takes in a
// newer term beside the loop of the leader, which may then still append an entry
// to its log, under the term of the leader that has followed it, who has another
// entry there: Raft's logs, and so the nodes' maps, differ for ever (hashicorp/raft
// issue 695). The price: a follower that waits for its disk answers no heartbeat.
func (w *wire) SetHeartbeatHandler(func(raft.RPC)) {}

// Consumer implements raft.Transport.
func (w *wire) Consumer() <-chan raft.RPC { return w.inbox.to }

// LocalAddr implements raft.Transport.
func (w *wire) LocalAddr() raft.ServerAddress { return w.self }

// errDeposed: this node's Raft has heard of a later term than that of the call.
var errDeposed = errors.New("deposed meanwhile")

// AppendEntries implements raft.Transport. A heartbeat fails at once; entries are
// tried again when the node is heard.
//
// What a leader that has been deposed wanted to send is not sent. Raft (v1.7.3)
// reads the entries one by one, beside the loop that has its successor's take the
// place of its own. A mixture of both, taken by a follower that has not heard of the
// successor either, would pass for the latter's. The term rises before an entry is
// replaced, so in the old term all that was read was its own.
func (w *wire) AppendEntries(id raft.ServerID, target raft.ServerAddress,
	args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	heartbeat := isHeartbeat(args)
	if w.term() != args.Term {
		return errDeposed
	}
	commitsMatched(args)
	err := w.NetworkTransport.AppendEntries(id, target, args, resp)
	if err != nil && !heartbeat && w.awaitContact(id) {
		err = w.NetworkTransport.AppendEntries(id, target, args, resp)
	}
	if err == nil {
		w.contacts.hear(id, resp.LastLog, heartbeat)
	}
	return err
}

// isHeartbeat tells Raft's heartbeats from its other appends the way its own
// transport does.
func isHeartbeat(args *raft.AppendEntriesRequest) bool {
	return args.PrevLogEntry == 0 && args.PrevLogTerm == 0 && len(args.Entries) == 0 && args.LeaderCommitIndex == 0
}

// commitsMatched has a follower commit only what it then shares with the leader
// (Ongaro and Ousterhout, 2014, figure 2: "index of last new entry"). Raft's own
// follower (v1.7.3) goes by the end of its log, which may be another leader's.
func commitsMatched(args *raft.AppendEntriesRequest) {
	args.LeaderCommitIndex = min(args.LeaderCommitIndex, args.PrevLogEntry+uint64(len(args.Entries)))
}

func (w *wire) awaitContact(id raft.ServerID) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-w.contacts.next(id):
		return true
	case <-timer.C:
	case <-w.closing:
	}
	return false
}

// RequestVote implements raft.Transport.
func (w *wire) RequestVote(id raft.ServerID, target raft.ServerAddress,
	args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return pastDeadStreams(func() error { return w.NetworkTransport.RequestVote(id, target, args, resp) })
}

// RequestPreVote implements raft.WithPreVote.
func (w *wire) RequestPreVote(id raft.ServerID, target raft.ServerAddress,
	args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return pastDeadStreams(func() error { return w.NetworkTransport.RequestPreVote(id, target, args, resp) })
}

// pastDeadStreams repeats a call until it has gone past all pooled streams, of
// which each failure discards one: an election must not be lost to those. It
// stops where the failure took time, for then the node is out of reach.
func pastDeadStreams(call func() error) error {
	start := time.Now()
	err := call()
	for i := 0; i < pooledStreams && err != nil && time.Since(start) < rpcTimeout/10; i++ {
		err = call()
	}
	return err
}

// Close implements raft.WithClose. It may be called more than once.
func (w *wire) Close() error {
	select {
	case <-w.closing:
	default:
		close(w.closing)
	}
	w.NetworkTransport.CloseStreams()
	return w.NetworkTransport.Close()
}
