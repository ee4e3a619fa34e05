package partition

// EntryKind says what an entry does to its key.
type EntryKind uint8

const (
	EntryPut       EntryKind = iota + 1 // sets the key's record
	EntryDelete                         // removes the key's record
	EntryTombstone                      // replaces the key's record by a tombstone
)

// Record is the state of one key: a value, or the tombstone of a deleted key. A new
// field has to travel with entries and transfers (replica/codec.go), operations and
// reads (host/codec.go, host/reply.go), to disk (storage/record.go) and along with
// a joiner (cmd/internal/node/import.go).
type Record struct {
	Stamp     Stamp
	Tombstone bool
	Value     []byte
}

// LogRecord is an entry without its value, as a copy's log keeps it.
type LogRecord struct {
	Label Label
	Kind  EntryKind
	// Import is true where Stamp came from another cluster; such a stamp does
	// not raise the partition's.
	Import bool
	// Existed says whether the key had a live record before: with Stamp and
	// Kind it is the outcome that a repeat of Op is told.
	Existed bool
	Op      OpID
	Stamp   Stamp
	Key     []byte
}

// Entry is one write of a partition, as the primary sends it to the copies.
type Entry struct {
	LogRecord
	Value []byte // EntryPut only
}

// Size returns about how many bytes the entry takes in memory or in a frame.
func (e *Entry) Size() int { return len(e.Key) + len(e.Value) + 96 }

// KeyState is a key with its record; Found is false where the key has none.
type KeyState struct {
	Key   []byte
	Found bool
	Record
}

// TermStart is the first sequence that a log has under a term.
type TermStart struct {
	Term  Term
	First Seq
}

// Mark says that a copy is not whole: it holds every entry up to Common, its log
// records beyond that are not all reflected in its data, and neither are the
// keys in Extra, which entries touched that were since cut from its log.
type Mark struct {
	Common Seq      // 0 with Fresh
	Fresh  bool     // nothing of the copy can be used: a snapshot was cut short
	Extra  [][]byte // keys, see above
}

// Position is where a copy stands: its log and what its data reflects.
type Position struct {
	Last     Label       // label of the newest entry; zero for an empty copy
	LogStart Seq         // sequence of the oldest record in the log; Last.Seq+1 if the log is empty
	Terms    []TermStart // ascending; the first one covers LogStart-1, the last one Last
	Stamp    Stamp       // the highest stamp given, imports excepted
	Commit   Seq         // known to be committed; a lower bound
	Mark     *Mark       // nil for a whole copy
}

// Origin says which cluster a kept copy came from and the highest stamp that it
// had there: later records are this node's own.
type Origin struct {
	Cluster ClusterID
	Stamp   Stamp
}
