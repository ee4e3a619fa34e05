package host

import (
	"maps"
	"slices"
	"time"

	"pipelinedht/partition"
)

// Status is this node's part in its cluster, for /dht/status. Counts are of
// partitions unless they say otherwise.
type Status struct {
	Version  partition.Version `json:"version"`  // of the map that the node goes by
	Up       bool              `json:"up"`       // the map shows this start of the node
	Primary  int               `json:"primary"`  // given to this node
	Serving  int               `json:"serving"`  // of those, recovered and answering
	InSync   int               `json:"in_sync"`  // copies here that hold every write, primaries included
	Learning int               `json:"learning"` // copies here that catch up
	Leaving  int               `json:"leaving"`  // copies here that are no target any more
	Missing  int               `json:"missing"`  // targets of this node's primaries that are not in sync yet
	Damaged  int               `json:"damaged"`  // copies here that are damaged, or half of a transfer, and not being replaced yet
	Damages  uint64            `json:"damages"`  // copies here that were found damaged since the start of the process

	Transfers    []TransferStatus `json:"transfers"`     // to other nodes, under way
	Waiting      int              `json:"waiting"`       // operations that wait for other copies
	WaitingBytes int64            `json:"waiting_bytes"` // of them
	Forwarded    int              `json:"forwarded"`     // operations that wait for other primaries
	DiskBytes    uint64           `json:"disk_bytes"`
	MemoryBytes  uint64           `json:"memory_bytes"` // of the store, its cache included
	Totals       Totals           `json:"totals"`       // since the process joined its cluster or was started
}

// TransferStatus is one copy on its way to another node.
type TransferStatus struct {
	Partition partition.ID  `json:"partition"`
	To        string        `json:"to"`       // the peer's name
	Snapshot  bool          `json:"snapshot"` // the whole copy, not what it lacks
	Chunks    int           `json:"chunks"`   // sent
	Keys      int64         `json:"keys"`     // in them
	Bytes     int64         `json:"bytes"`
	Age       time.Duration `json:"age_ns"`
}

// Status says what the node's copies do. It may be called often.
func (h *Host) Status() Status {
	v := h.view.Load()
	s := Status{Up: v.up, Transfers: h.jobs.status(v)}
	if v.m != nil {
		s.Version = v.m.Version
		for p := range v.m.Table {
			h.countRow(&s, &v.m.Table[p])
		}
	}
	h.mu.Lock()
	s.Serving = len(h.mu.core.Leads())
	s.Damaged = h.mu.core.DamagedCopies()
	s.Waiting, s.WaitingBytes = len(h.mu.waiting), h.mu.bytes
	h.mu.Unlock()
	s.Forwarded = h.forwards.len()
	s.Totals = h.totals.read()
	s.Damages = h.damagesFound.Load()
	m := h.store.Metrics()
	s.DiskBytes, s.MemoryBytes = m.DiskBytes, m.MemTableBytes+uint64(max(m.CacheBytes, 0))
	return s
}

// countRow adds one partition to the counts.
func (h *Host) countRow(s *Status, row *partition.Row) {
	self := h.cfg.Self
	inSync, wanted := slices.Contains(row.InSync, self), slices.Contains(row.Target, self)
	switch {
	case inSync:
		s.InSync++
	case wanted:
		s.Learning++
	}
	if inSync && !wanted {
		s.Leaving++
	}
	if row.Primary != self {
		return
	}
	s.Primary++
	for _, id := range row.Target {
		if !slices.Contains(row.InSync, id) {
			s.Missing++
		}
	}
}

// status lists the transfers, by number. Those that wait for a worker have sent
// nothing yet.
func (j *jobs) status(v *view) []TransferStatus {
	j.mu.Lock()
	defer j.mu.Unlock()
	list := make([]TransferStatus, 0, len(j.open))
	for _, number := range slices.Sorted(maps.Keys(j.open)) {
		t := j.open[number]
		s := t.sent
		s.Partition, s.Snapshot, s.Age = t.job.Partition, t.job.Reset, time.Since(t.began)
		if s.To = t.job.To.String(); v.m != nil {
			s.To = nameOf(v.m, t.job.To)
		}
		list = append(list, s)
	}
	return list
}
