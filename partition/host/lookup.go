package host

import (
	"bytes"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
	"pipelinedht/partition/storage"
)

// logReader is a store, or a view of it.
type logReader interface {
	Log(slot storage.Slot, after partition.Seq, f func(partition.LogRecord) bool) error
}

// logAfter reads a copy's log records after a sequence, with keys of their own.
func logAfter(from logReader, slot storage.Slot, after partition.Seq) ([]partition.LogRecord, error) {
	var records []partition.LogRecord
	err := from.Log(slot, after, func(r partition.LogRecord) bool {
		r.Key = bytes.Clone(r.Key)
		records = append(records, r)
		return true
	})
	return records, err
}

// localLog reads the log of this node's copy; it is empty where there is none.
func (h *Host) localLog(job replica.Job) ([]partition.LogRecord, error) {
	v := h.view.Load()
	slot := v.slotOf(job.Partition)
	if slot == 0 {
		return nil, nil
	}
	records, err := logAfter(h.store, slot, job.After.Seq)
	if err != nil {
		h.heed(v, job.Partition, slot, err)
		h.log.Error("read the log of a copy", "partition", job.Partition, "error", err)
	}
	return records, err
}

// findExtra does a JobExtra. If the log cannot be read there is no answer, and the
// primary asks again.
func (h *Host) findExtra(job replica.Job) {
	records, err := h.localLog(job)
	if err != nil {
		return
	}
	keys := keysOf(records, nil)
	h.step(func(core *replica.Node, now time.Duration) {
		core.FoundExtra(job.Partition, job.Term, job.After.Seq, keys, now)
	})
}

// findIDs does a JobIDs. If the log cannot be read no ids are found, and repeated
// operations are refused instead of carried out.
func (h *Host) findIDs(job replica.Job) {
	records, err := h.localLog(job)
	if err != nil {
		records = nil
	}
	h.step(func(core *replica.Node, now time.Duration) {
		core.FoundIDs(job.Partition, job.Term, records, now)
	})
}
