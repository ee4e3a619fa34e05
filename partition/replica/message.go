package replica

import (
	"time"

	"pipelinedht/partition"
)

// Message is what nodes say to each other about copies.
type Message interface{ kind() kind }

// copyMessage is a message about one partition, or a part of one. It bears the term
// that its sender goes by; a receiver whose row has another term does not act on it.
type copyMessage interface {
	about() (partition.ID, partition.Term)
}

type kind uint8

const (
	kindBeacon kind = iota + 1
	kindGrant
	kindQuery
	kindPosition
	kindAskExtra
	kindExtra
	kindFetch
	kindChunk
	kindChunkAck
	kindAppend
	kindAck
	kindRelease
	kindDetached
	kindDrop
	kindCommits
)

// Beacon asks the receiver for a Grant, four times a second.
type Beacon struct {
	Version  partition.Version // applied by the sender
	Sent     time.Duration     // on the sender's clock; echoed
	Stopping bool              // the sender is about to stop: see Node.Withdraw
	Full     bool              // the sender has no disk space to spare: see Node.SetFull
}

// Grant promises not to take over from the receiver for Config.Grant after the
// Beacon came, any partition whose term Version covers.
type Grant struct {
	Version partition.Version // of the Beacon
	Sent    time.Duration     // of the Beacon
	// Taken is the last ring version at which the granter took a partition from
	// the receiver, or of its own PeerUp if later. The grant counts only once
	// the receiver has applied that version.
	Taken    partition.Version
	Stopping bool // as in Beacon
	Stuck    bool // the sender's store has taken in nothing for Config.Silence, though there was something
	Full     bool // as in Beacon
}

// Query asks a copy for its Position. A copy that answers acknowledges nothing
// of an older term from then on, and takes in no transfer with a lower number, so
// that none still on its way unmakes what the Position says.
type Query struct {
	Partition partition.ID
	Term      partition.Term
	Number    uint64 // counted together with the sender's transfers
}

// Position answers a Query once everything the copy accepted is durable. A
// follower that sees a new term, or that it belongs to the partition, sends one
// unasked, with Number 0.
type Position struct {
	Partition partition.ID
	Term      partition.Term
	Number    uint64             // of the Query
	Position  partition.Position // Mark.Extra left out
}

// AskExtra asks a learner for the keys that its log touched beyond After.
type AskExtra struct {
	Partition partition.ID
	Term      partition.Term
	After     partition.Seq
}

// Extra answers AskExtra. TooMany: the learner wants a snapshot instead.
type Extra struct {
	Partition partition.ID
	Term      partition.Term
	After     partition.Seq
	Keys      [][]byte
	TooMany   bool
}

// Fetch asks an in-sync copy with a longer log for everything after After, as
// one Chunk with Index 0 that is also the Last.
type Fetch struct {
	Partition partition.ID
	Term      partition.Term
	After     partition.Label
}

// Chunk is a piece of a transfer that brings a copy to Position. The first one
// (Index 0) has the head; all have values.
type Chunk struct {
	Partition partition.ID
	Term      partition.Term
	Transfer  uint64 // number of the transfer at its sender
	Index     int
	Last      bool
	Gentle    bool       // clients go first; means nothing to the protocol
	Head      *ChunkHead // Index 0 only
	Values    []partition.KeyState
}

// ChunkHead says how a transfer begins. The receiver cuts its log after After
// (Reset: forgets its copy whole), takes in the records, and is marked until the
// last chunk is in.
type ChunkHead struct {
	Reset    bool
	After    partition.Label       // the common point; with Reset, label of the record before the first
	Records  []partition.LogRecord // After, Position.Last]
	Position partition.Position    // where the copy stands after the last chunk
}

// ChunkAck says that a chunk is durable.
type ChunkAck struct {
	Partition partition.ID
	Term      partition.Term
	Transfer  uint64
	Index     int
}

// Append carries all entries that wait for one node, of whatever partitions.
type Append struct {
	Runs []Run
}

// Run is entries of one partition with consecutive sequences, at least one. Prev is
// the label of the entry before the first; Commit is the sender's.
type Run struct {
	Partition partition.ID
	Term      partition.Term
	Prev      partition.Label
	Commit    partition.Seq
	Entries   []partition.Entry
}

// Ack says what came to be durable with one batch.
type Ack struct {
	Copies []Durable
}

// Durable says that the copy durably holds everything up to Seq. With Gap it says
// that a Run did not fit there.
type Durable struct {
	Partition partition.ID
	Term      partition.Term
	Seq       partition.Seq
	Gap       bool
}

// Release tells the other in-sync copies, a new primary among them, that the
// sender, primary before, serves no longer.
type Release struct {
	Partition partition.ID
	Term      partition.Term // the sender's own, now given up
}

// Detached says that the sender's map has no place for the copy that it holds,
// since that ring version. It keeps the copy until it is told to drop it, for a
// proposal to take the copy in might be under way.
type Detached struct {
	Partition partition.ID
	Term      partition.Term
	Since     partition.Version
}

// Drop answers Detached: the primary has no use for the copy and has proposed
// nothing that names it.
type Drop struct {
	Partition partition.ID
	Term      partition.Term
	Since     partition.Version // of the Detached
}

// Commits says how far partitions are committed that the sender serves as primary, for
// the floors of operations. It means nothing to the copies.
type Commits struct {
	Version    partition.Version // applied by the sender: it counts since births up to this one
	Partitions []Committed
}

// Committed says that a partition is committed up to Seq.
type Committed struct {
	Partition partition.ID
	Seq       partition.Seq
}

func (*Beacon) kind() kind   { return kindBeacon }
func (*Grant) kind() kind    { return kindGrant }
func (*Query) kind() kind    { return kindQuery }
func (*Position) kind() kind { return kindPosition }
func (*AskExtra) kind() kind { return kindAskExtra }
func (*Extra) kind() kind    { return kindExtra }
func (*Fetch) kind() kind    { return kindFetch }
func (*Chunk) kind() kind    { return kindChunk }
func (*ChunkAck) kind() kind { return kindChunkAck }
func (*Append) kind() kind   { return kindAppend }
func (*Ack) kind() kind      { return kindAck }
func (*Release) kind() kind  { return kindRelease }
func (*Detached) kind() kind { return kindDetached }
func (*Drop) kind() kind     { return kindDrop }
func (*Commits) kind() kind  { return kindCommits }

func (m *Query) about() (partition.ID, partition.Term)    { return m.Partition, m.Term }
func (m *Position) about() (partition.ID, partition.Term) { return m.Partition, m.Term }
func (m *AskExtra) about() (partition.ID, partition.Term) { return m.Partition, m.Term }
func (m *Extra) about() (partition.ID, partition.Term)    { return m.Partition, m.Term }
func (m *Fetch) about() (partition.ID, partition.Term)    { return m.Partition, m.Term }
func (m *Chunk) about() (partition.ID, partition.Term)    { return m.Partition, m.Term }
func (m *ChunkAck) about() (partition.ID, partition.Term) { return m.Partition, m.Term }
func (m *Run) about() (partition.ID, partition.Term)      { return m.Partition, m.Term }
func (m *Durable) about() (partition.ID, partition.Term)  { return m.Partition, m.Term }
func (m *Release) about() (partition.ID, partition.Term)  { return m.Partition, m.Term }
func (m *Detached) about() (partition.ID, partition.Term) { return m.Partition, m.Term }
func (m *Drop) about() (partition.ID, partition.Term)     { return m.Partition, m.Term }
