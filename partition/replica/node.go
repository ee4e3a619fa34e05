package replica

import (
	"errors"
	"time"

	"pipelinedht/partition"
)

// Config of a Node; see Normal. Durations are on the clock whose readings the caller passes
// as now, which must go on while the process is stopped or the machine asleep
// (CLOCK_BOOTTIME).
type Config struct {
	Self        partition.NodeID
	Incarnation partition.Incarnation
	Beacon      time.Duration // between beacons; 250 ms
	Lease       time.Duration // L: how long a grant lets its receiver read, from the beacon's sending; 1.2 s
	Grant       time.Duration // G: how long the granter keeps still, from the beacon's receipt; 1.6 s
	Silence     time.Duration // without grant, or with a store that takes in nothing: the primary drops the copy; 1 s
	Stuck       time.Duration // without acknowledgement of an entry, though the copy's node works: the same; 5 s
	SlowAck     time.Duration // an acknowledgement that takes longer is late; 300 ms
	Slow        time.Duration // late for so long in all, while others are not: the primary drops the copy; 5 s
	SlowPause   time.Duration // before a slow copy is counted again; doubles; 30 s
	Resend      time.Duration // before something unanswered is sent again; 500 ms
	Stagger     time.Duration // between the copies that may take over; 200 ms
	WindowBytes int           // of committed entries kept in memory for a learner, per partition; more during a transfer; 256 KiB
	// PeerBytes is how many bytes of entries a node may have been sent and not
	// acknowledged, and one message more: 8 MiB.
	PeerBytes  int
	LogRecords int  // kept in each copy's log; 256
	Transfers  int  // under way at once from this node; 16
	Tombstones bool // deletes always leave tombstones, not only while a peer imports
}

// Normal returns the settings for a cluster on one site.
//
// Lease < Grant by more than the clocks of two machines can drift apart in that
// time, and Silence < Lease, so that a lost backup is dropped before reads stop.
func Normal(self partition.NodeID, inc partition.Incarnation) Config {
	return Config{
		Self: self, Incarnation: inc,
		Beacon:      250 * time.Millisecond,
		Lease:       1200 * time.Millisecond,
		Grant:       1600 * time.Millisecond,
		Silence:     time.Second,
		Stuck:       5 * time.Second,
		SlowAck:     300 * time.Millisecond,
		Slow:        5 * time.Second,
		SlowPause:   30 * time.Second,
		Resend:      500 * time.Millisecond,
		Stagger:     200 * time.Millisecond,
		WindowBytes: 256 << 10,
		PeerBytes:   8 << 20,
		LogRecords:  256,
		Transfers:   16,
	}
}

// The core's own answers to its caller; none of them crosses the wire.
var (
	// ErrLook: the operation depends on the key's stored state. Take Applied,
	// read the store, call Propose again with what was seen.
	ErrLook = errors.New("look at the stored record first")
	// ErrPending: a write of the key is under way; call AwaitRead.
	ErrPending = errors.New("a write of the key is under way")
	// ErrRetry: nothing can be said; read again.
	ErrRetry = errors.New("read again")
)

// Node is the protocol state of all copies of one node.
type Node struct {
	cfg     Config
	m       *partition.Map // nil until SetMap
	now     time.Duration
	started time.Duration
	// resumed is when the clock last went on after a pause of this process:
	// silence is counted from it, for a paused node heard nothing by its own fault.
	resumed time.Duration
	active  time.Duration // when something was last said, heard, stored or changed about a copy, or a peer

	// up: the map shows this node's own PeerUp of this incarnation. Before that
	// it grants, acknowledges, answers, proposes and deletes nothing.
	up   bool
	upAt partition.Version // ring version of that PeerUp

	stopping bool // see Withdraw
	full     bool // see SetFull

	copies []*replica                 // by partition; nil where this node has no copy
	stored map[partition.ID]*replica  // found in the store, not yet claimed by a map
	peers  map[partition.NodeID]*peer // everybody ever heard of
	early  []earlyMessage             // for terms that the map does not show yet
	dirty  []*replica                 // leads with entries to send
	acks   []*replica                 // backups that owe an acknowledgement

	// dropping counts the deletions of a partition's copy that are not stored yet.
	dropping map[partition.ID]int

	changes  []proposal // to be proposed
	givesWay bool       // see GiveWay
	ticking  bool       // since the last Ready there was a Tick
	inFlight []proposal // proposed, outcome unknown

	transfers    map[uint64]*follower // outgoing, by number
	waiting      []*follower          // for a place among Config.Transfers
	lastTransfer uint64
	nextBeacon   time.Duration
	ticked       time.Duration // when judgeSlow last ran
	storing      int           // writes handed out in a Batch and not stored yet
	storedAt     time.Duration // when some were last, or the first of them were handed out

	ready   Ready
	batch   Batch
	spent   Batch  // empty, of used memory
	batches uint64 // handed out so far
}

// New returns the state of a node that finds these copies in its store and was
// started at now. It does nothing before SetMap shows its PeerUp.
func New(cfg Config, copies map[partition.ID]partition.Position, now time.Duration) *Node {
	n := &Node{
		cfg: cfg, now: now, started: now, resumed: now, active: now, ticked: now,
		stored:    make(map[partition.ID]*replica, len(copies)),
		peers:     make(map[partition.NodeID]*peer),
		transfers: make(map[uint64]*follower),
		dropping:  make(map[partition.ID]int),
	}
	for id, pos := range copies {
		n.stored[id] = newReplica(id, pos)
	}
	return n
}

// goOn takes note of the time. Ticks come so often that more than a few of them
// missing is a pause of this process, whatever it hears of first after that.
func (n *Node) goOn(now time.Duration) {
	if now-n.now > n.cfg.Silence/2 {
		n.resumed, n.active = now, now
	}
	n.now = now
}

// Ready returns what is to be done at once, and forgets it.
func (n *Node) Ready() Ready {
	if len(n.changes) > 0 && len(n.inFlight) == 0 && n.mayPropose() {
		n.inFlight, n.changes = n.changes, nil
		for _, p := range n.inFlight {
			n.ready.Changes = append(n.ready.Changes, p.change)
		}
	}
	n.ticking = false
	r := n.ready
	n.ready = Ready{}
	return r
}

// Batch returns what the one storing loop is to do next, and forgets it; false if
// there is nothing.
func (n *Node) Batch() (Batch, bool) {
	n.sendEntries()
	b := n.batch
	n.batch, n.spent = n.spent, Batch{}
	n.batches++
	if n.storing == 0 {
		n.storedAt = n.now
	}
	n.storing += len(b.Writes)
	some := len(b.Messages)+len(b.Writes) > 0
	if some {
		n.active = n.now
	}
	return b, some
}

// recycled is the largest room, in elements, of a slice that is used again.
const recycled = 4096

// Recycle takes back a Batch whose writes are stored, for the next but one to use its
// memory. The caller has let go of it.
func (n *Node) Recycle(b Batch) {
	if max(cap(b.Messages), cap(b.Writes)) > recycled {
		return
	}
	clear(b.Messages)
	clear(b.Writes)
	n.spent = Batch{Messages: b.Messages[:0], Writes: b.Writes[:0]}
}

// RecycleAnswers takes back the Answers of a Ready, as Recycle does a Batch.
func (n *Node) RecycleAnswers(answers []Answer) {
	if n.ready.Answers == nil && cap(answers) <= recycled {
		clear(answers)
		n.ready.Answers = answers[:0]
	}
}

// HasBatch reports whether Batch would return anything.
func (n *Node) HasBatch() bool {
	return len(n.dirty)+len(n.batch.Messages)+len(n.batch.Writes) > 0
}

// Stored takes note that writes of a Batch are durable.
func (n *Node) Stored(ws []Write, now time.Duration) {
	n.goOn(now)
	n.active = now
	n.storing, n.storedAt = n.storing-len(ws), now
	for i := range ws {
		if ws[i].Drop {
			n.dropStored(ws[i].Partition)
		}
		if c := ws[i].replica; c != nil && n.copy(c.id) == c {
			n.writeStored(c, &ws[i])
		}
	}
	for _, c := range n.acks {
		c.ackDue = false
		if n.copy(c.id) == c {
			n.acknowledge(c)
		}
	}
	n.acks = n.acks[:0]
}

// writeStored follows one durable write up.
func (n *Node) writeStored(c *replica, w *Write) {
	c.unstored--
	c.durable = w.reaches // writes are stored in order
	if c.lead != nil {
		n.advance(c)
	} else if len(w.Entries) > 0 {
		n.oweAck(c)
	}
	if w.Chunk != nil && w.from != 0 && w.Chunk.Term == c.row.Term {
		n.ackChunk(w.from, &ChunkAck{
			Partition: c.id, Term: w.Chunk.Term, Transfer: w.Chunk.Transfer, Index: w.Chunk.Index,
		})
	}
	if c.unstored == 0 {
		n.answerQuery(c)
		if c.lead != nil {
			n.recover(c)
		}
	}
}

// copy returns this node's copy of a partition, or nil.
func (n *Node) copy(id partition.ID) *replica {
	if int(id) < len(n.copies) {
		return n.copies[id]
	}
	return nil
}

// send queues a message. Control messages go at once, the others with the next
// Batch.
func (n *Node) send(to partition.NodeID, lane Lane, m Message) {
	out := Outbound{To: to, Lane: lane, Message: m}
	if lane == Control {
		n.ready.Control = append(n.ready.Control, out)
	} else {
		n.batch.Messages = append(n.batch.Messages, out)
	}
}

// write queues a write of c that leaves its log at c.log.Last.
func (n *Node) write(c *replica, w Write) {
	w.Partition, w.replica, w.reaches, w.Commit = c.id, c, c.log.last.Seq, c.commit
	c.unstored++
	n.batch.Writes = append(n.batch.Writes, w)
}

func (n *Node) answer(a Answer) { n.ready.Answers = append(n.ready.Answers, a) }

func (n *Node) job(j Job) { n.ready.Jobs = append(n.ready.Jobs, j) }
