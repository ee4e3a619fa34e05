package replica

import "pipelinedht/partition"

// Lane is the kind of connection that a message travels on.
type Lane uint8

const (
	Control Lane = iota // beacons, grants, releases, acknowledgements: never behind data
	Small               // entries, and what else copies ask each other
	Bulk                // chunks, and entries too large for Small
)

// Outbound is a message to another node. Messages to one node on one lane keep
// their order.
type Outbound struct {
	To      partition.NodeID
	Lane    Lane
	Message Message
}

// Write is a change of one copy's stored state. Writes are stored in the order
// given, each whole or not at all (any number of them in one batch).
type Write struct {
	Partition partition.ID
	// Drop deletes the copy: data, log, metadata. Nothing else is set then.
	Drop bool
	// Entries are put into data and log.
	Entries []partition.Entry
	// Chunk is a piece of a transfer to take in; see Chunk and ChunkHead. With
	// it, Mark is the mark that stands afterwards (nil: none).
	Chunk *Chunk
	Mark  *partition.Mark
	// SetMark: the mark alone changes, to Mark.
	SetMark bool
	// Commit is the commit sequence to remember with the batch.
	Commit partition.Seq
	// Trim, if above 0, cuts log records up to and including it.
	Trim partition.Seq

	replica *replica         // whose write it is; nil for a Drop
	reaches partition.Seq    // where its log ends with it
	from    partition.NodeID // to whom the chunk is acknowledged
}

// Gentle reports whether the write is to give way to others: a chunk that its sender
// built so.
func (w *Write) Gentle() bool { return w.Chunk != nil && w.Chunk.Gentle }

// Ticket names a waiting client call to the host.
type Ticket uint64

// Answer ends a waiting client call.
type Answer struct {
	Ticket  Ticket
	Outcome partition.Outcome
	Record  partition.KeyState // of a read that waited for a write
	// Err is nil, or one of partition's errors; ErrRetry: call again.
	Err error
}

// JobKind says what the host is asked to read from the store.
type JobKind uint8

const (
	// JobTransfer: open a view of the copy and build the first chunk of a
	// transfer to another node: Node.Built.
	JobTransfer JobKind = iota + 1
	// JobNext: build the next chunk of that transfer: Node.Built.
	JobNext
	// JobCancel: close that transfer's view.
	JobCancel
	// JobExtra: list the keys of log records after After: Node.FoundExtra.
	JobExtra
	// JobIDs: list the log records after After, all of them: Node.FoundIDs.
	JobIDs
)

// Job asks the host for reading that the core, which has no I/O, cannot do. A
// job sees at least every Write that was stored before it was issued.
type Job struct {
	Kind      JobKind
	Partition partition.ID
	Term      partition.Term
	Transfer  uint64
	To        partition.NodeID
	Reset     bool            // JobTransfer: the whole copy, not what follows After
	Whole     bool            // JobTransfer: everything in one chunk
	Urgent    bool            // JobTransfer: writes are refused until it is done
	After     partition.Label // JobTransfer, JobExtra, JobIDs
	Extra     [][]byte        // JobTransfer: keys to send beside those of the records
}

// Ready is what may be done at once, by whoever called the core: Control
// messages sent, Answers delivered, Jobs started, Changes proposed (and
// Node.Resolved called once their outcome is known).
type Ready struct {
	Control []Outbound
	Answers []Answer
	Jobs    []Job
	Changes []partition.Change
}

// Batch is what one loop does in order, and nobody else: it sends Messages,
// which never wait for the Writes beside them; stores Writes, durably; calls
// Node.Stored with them.
type Batch struct {
	Messages []Outbound
	Writes   []Write
}
