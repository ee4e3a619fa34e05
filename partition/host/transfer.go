package host

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
	"pipelinedht/partition/storage"
)

// chunkBytes is how many bytes of log records, keys and values a chunk has at least,
// the last one and those that give way to clients excepted. Beyond that it has at most
// one value more; the first chunk, no value, but all log records that the receiver
// lacks: up to 384 that are committed, or Limits.PartitionBytes of those that are not.
const chunkBytes = 256 << 10

// scanMemory is how many bytes of keys and values are read into one piece of memory.
const scanMemory = 32 << 10

// recordBytes is what a record, of the log or a key's, counts for besides key and
// value.
const recordBytes = 24

// transfer is a copy on its way to another node: read from a view of the store, so
// that all chunks show one moment.
type transfer struct {
	job  replica.Job   // that began it
	slot storage.Slot  // 0: the copy is not in the store, so it is empty
	view *storage.View // nil where slot is 0
	at   int           // index of the next chunk

	// Reset: the values of all keys above after follow.
	after   []byte
	scanned int // values in the last chunk
	// Otherwise the values of these follow.
	keys [][]byte

	began time.Time

	// Guarded by jobs.mu.
	running   bool // a worker builds a chunk
	cancelled bool
	sent      TransferStatus // Chunks, Keys and Bytes
}

// Errors that the core answers with another attempt.
var (
	errLogCut = errors.New("the log has been cut meanwhile")
	errMarked = errors.New("the copy is not whole itself")
)

// next builds the next chunk, of limit bytes; see chunkBytes.
func (t *transfer) next(h *Host, limit int) (*replica.Chunk, error) {
	chunk := &replica.Chunk{
		Partition: t.job.Partition, Term: t.job.Term, Transfer: t.job.Transfer, Index: t.at,
	}
	if t.at == 0 {
		if t.slot = h.view.Load().slotOf(t.job.Partition); t.slot != 0 {
			t.view = h.store.View(t.slot)
		}
		head, err := t.head()
		if err != nil {
			return nil, err
		}
		chunk.Head = head
		for i := range head.Records {
			limit -= len(head.Records[i].Key) + recordBytes
		}
	}
	t.at++
	if t.job.Whole {
		limit = math.MaxInt
	}
	var err error
	if t.job.Reset {
		chunk.Values, chunk.Last, err = t.scan(limit)
	} else {
		chunk.Values, chunk.Last, err = t.lookUp(limit)
	}
	return chunk, err
}

// head reads where the copy stands and the log records that the receiver lacks.
func (t *transfer) head() (*replica.ChunkHead, error) {
	head := &replica.ChunkHead{Reset: t.job.Reset, After: t.job.After}
	pos := partition.Position{LogStart: 1}
	if t.slot != 0 {
		var err error
		pos, err = t.view.Position(t.slot)
		if errors.Is(err, storage.ErrNoCopy) {
			t.slot, pos, err = 0, partition.Position{LogStart: 1}, nil
		}
		if err != nil {
			return nil, err
		}
	}
	if pos.Mark != nil {
		return nil, errMarked
	}
	head.Position = pos
	if t.job.Reset {
		head.After = base(&pos)
	} else if t.job.After.Seq+1 < pos.LogStart {
		return nil, fmt.Errorf("%w: it starts at %d, %s is wanted", errLogCut, pos.LogStart, t.job.After)
	}
	records, err := t.records(head.After.Seq)
	if err != nil {
		return nil, err
	}
	head.Records = records
	if !t.job.Reset {
		t.keys = keysOf(records, t.job.Extra)
	}
	return head, nil
}

// base returns the label of the record before the first one in the log.
func base(pos *partition.Position) partition.Label {
	if pos.LogStart <= 1 || len(pos.Terms) == 0 {
		return partition.Label{}
	}
	return partition.Label{Term: pos.Terms[0].Term, Seq: pos.LogStart - 1}
}

// records reads the log after a sequence.
func (t *transfer) records(after partition.Seq) ([]partition.LogRecord, error) {
	if t.slot == 0 {
		return nil, nil
	}
	return logAfter(t.view, t.slot, after)
}

// keysOf returns the keys of the records and extra, ascending, each once.
func keysOf(records []partition.LogRecord, extra [][]byte) [][]byte {
	keys := slices.Clone(extra)
	for i := range records {
		keys = append(keys, records[i].Key)
	}
	slices.SortFunc(keys, bytes.Compare)
	return slices.CompactFunc(keys, bytes.Equal)
}

// lookUp reads the present state of the next keys; last: there are no more.
func (t *transfer) lookUp(limit int) (values []partition.KeyState, last bool, err error) {
	size := 0
	for len(t.keys) > 0 && size < limit {
		state := partition.KeyState{Key: t.keys[0]}
		if t.slot != 0 {
			rec, found, closer, err := t.view.Get(t.slot, state.Key)
			if err != nil {
				return nil, false, err
			}
			state.Found, state.Record = found, rec
			state.Value = bytes.Clone(rec.Value)
			if err := closer.Close(); err != nil {
				return nil, false, err
			}
		}
		values = append(values, state)
		size += stateBytes(&state)
		t.keys = t.keys[1:]
	}
	return values, len(t.keys) == 0, nil
}

// scan reads the next records of the copy; last: there are no more.
func (t *transfer) scan(limit int) (values []partition.KeyState, last bool, err error) {
	if t.slot == 0 {
		return nil, true, nil
	}
	size, last := 0, true
	values = make([]partition.KeyState, 0, t.scanned+t.scanned/8) // as many as the last time, or some more
	var memory []byte                                             // of many keys and values: an allocation each would keep the collector busy
	keep := func(b []byte) []byte {
		if len(memory)+len(b) > cap(memory) {
			memory = make([]byte, 0, max(scanMemory, len(b)))
		}
		start := len(memory)
		memory = append(memory, b...)
		return memory[start:len(memory):len(memory)]
	}
	err = t.view.Keys(t.slot, t.after, func(key []byte, rec partition.Record) bool {
		if size >= limit {
			last = false
			return false
		}
		rec.Value = keep(rec.Value)
		state := partition.KeyState{Key: keep(key), Found: true, Record: rec}
		values = append(values, state)
		size += stateBytes(&state)
		return true
	})
	if err == nil && len(values) > 0 {
		t.after, t.scanned = values[len(values)-1].Key, len(values)
	}
	return values, last, err
}

func stateBytes(s *partition.KeyState) int { return len(s.Key) + len(s.Value) + recordBytes }

// size returns how many bytes of keys and values a chunk has.
func size(c *replica.Chunk) (n int) {
	for i := range c.Values {
		n += stateBytes(&c.Values[i])
	}
	return n
}

// close lets go of the view.
func (t *transfer) close() error {
	if t.view == nil {
		return nil
	}
	return t.view.Close()
}
