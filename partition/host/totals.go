package host

import (
	"slices"
	"sync/atomic"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// Totals are what a Host has done since Open.
type Totals struct {
	Deltas     TransferTotals `json:"deltas"`     // of what a copy elsewhere lacked
	Snapshots  TransferTotals `json:"snapshots"`  // of whole copies
	Recoveries TransferTotals `json:"recoveries"` // between in-sync copies, at a new term

	EntriesSent int64 `json:"entries_sent"` // to other copies as they were written, each to each
	EntryBytes  int64 `json:"entry_bytes"`  // keys and values of them

	TakenOver int64 `json:"taken_over"` // primaries that this node took from another without its doing
	TakenOn   int64 `json:"taken_on"`   // primaries that were handed over to this node
	Dropped   int64 `json:"dropped"`    // copies that left the in-sync sets of this node's primaries
	Added     int64 `json:"added"`      // copies that came into them

	Batches      int64 `json:"batches"`       // of writes stored, each with one fsync if there is a disk
	BatchWrites  int64 `json:"batch_writes"`  // in them
	LongestStall int64 `json:"longest_stall"` // ms between two ticks of 50 ms: how late this process got to run
}

// TransferTotals counts transfers of one kind to other nodes.
type TransferTotals struct {
	Begun   int64 `json:"begun"`
	Sent    int64 `json:"sent"`    // whole; the others were given up or are under way
	Records int64 `json:"records"` // log records
	Keys    int64 `json:"keys"`    // with what they hold
	Bytes   int64 `json:"bytes"`   // keys and values
}

// totals is Totals as they grow.
type totals struct {
	kinds                [3]transferTotals
	entries, entryBytes  atomic.Int64
	takenOver, takenOn   atomic.Int64
	dropped, added       atomic.Int64
	batches, batchWrites atomic.Int64
	longestStall         atomic.Int64 // ns
}

type transferTotals struct{ begun, sent, records, keys, bytes atomic.Int64 }

func (t *transferTotals) read() TransferTotals {
	return TransferTotals{t.begun.Load(), t.sent.Load(), t.records.Load(), t.keys.Load(), t.bytes.Load()}
}

// of returns the totals of the job's kind of transfer.
func (t *totals) of(job *replica.Job) *transferTotals {
	switch {
	case job.Whole:
		return &t.kinds[2]
	case job.Reset:
		return &t.kinds[1]
	}
	return &t.kinds[0]
}

// sends counts a message to another node.
func (t *totals) sends(m replica.Message) {
	a, ok := m.(*replica.Append)
	if !ok {
		return
	}
	entries, bytes := 0, 0
	for i := range a.Runs {
		run := a.Runs[i].Entries
		entries += len(run)
		for j := range run {
			bytes += len(run[j].Key) + len(run[j].Value)
		}
	}
	t.entries.Add(int64(entries))
	t.entryBytes.Add(int64(bytes))
}

// follows counts what a new map changed for this node's primaries.
func (t *totals) follows(self partition.NodeID, old, now *partition.Map) {
	if old == nil {
		return
	}
	for p := range now.Table {
		was, is := &old.Table[p], &now.Table[p]
		switch {
		case is.Epoch == was.Epoch || is.Primary != self:
		case was.Primary == self:
			t.added.Add(int64(countMissing(was.InSync, is.InSync)))
			t.dropped.Add(int64(countMissing(is.InSync, was.InSync)))
		case slices.Contains(is.InSync, was.Primary):
			t.takenOn.Add(1)
		default:
			t.takenOver.Add(1)
		}
	}
}

// countMissing returns how many of ids are not in set.
func countMissing(set, ids []partition.NodeID) (n int) {
	for _, id := range ids {
		if !slices.Contains(set, id) {
			n++
		}
	}
	return n
}

// ticks takes note of the time between two ticks.
func (t *totals) ticks(between time.Duration) {
	if int64(between) > t.longestStall.Load() { // only the tick loop writes it
		t.longestStall.Store(int64(between))
	}
}

func (t *totals) read() Totals {
	return Totals{
		Deltas: t.kinds[0].read(), Snapshots: t.kinds[1].read(), Recoveries: t.kinds[2].read(),
		EntriesSent: t.entries.Load(), EntryBytes: t.entryBytes.Load(),
		TakenOver: t.takenOver.Load(), TakenOn: t.takenOn.Load(),
		Dropped: t.dropped.Load(), Added: t.added.Load(),
		Batches: t.batches.Load(), BatchWrites: t.batchWrites.Load(),
		LongestStall: t.longestStall.Load() / int64(time.Millisecond),
	}
}
