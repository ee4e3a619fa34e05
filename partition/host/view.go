package host

import (
	"sync/atomic"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// view is what operations go by, without a lock: the map that the core was given
// last. It is immutable, parts' contents apart.
type view struct {
	m     *partition.Map // nil: there is none yet
	up    bool           // m or an earlier map shows this node's present incarnation
	parts []part         // by partition; the same ones in every view
	// floors are by partition; the same ones in every view but where a partition
	// has begun anew in between.
	floors []*floor
	next   chan struct{} // closed once a newer view stands
}

// part is what the Host knows of one partition.
type part struct {
	// slot holds this node's copy; 0: none is in the store. Only the committer
	// writes it.
	slot atomic.Uint64
	// bytes of the waiters; guarded by Host.mu.
	bytes int64
}

// Map returns the map that operations go by; nil before there is one.
func (h *Host) Map() *partition.Map { return h.view.Load().m }

// watchMap adopts every map that the cluster publishes.
func (h *Host) watchMap() {
	for {
		changed := h.cfg.Cluster.Watch()
		h.adopt(h.cfg.Cluster.Map())
		select {
		case <-changed:
		case <-h.ctx.Done():
			return
		}
	}
}

// adopt gives the core a map, unless it has that or a newer one, and publishes the
// view of it. The view stands before anything that follows from the map happens.
func (h *Host) adopt(m *partition.Map) {
	if m == nil {
		return
	}
	h.mu.Lock()
	if h.mu.ended != nil || h.mu.m != nil && m.Version <= h.mu.m.Version {
		h.mu.Unlock()
		return
	}
	old := h.view.Load()
	v := &view{m: m, parts: old.parts, floors: floorsFor(old, m), next: make(chan struct{})}
	if v.parts == nil {
		v.parts = h.newParts(len(m.Table))
	}
	self, ok := m.Peer(h.cfg.Self)
	// A node that has left the map goes on routing: it leads nothing any more, but
	// operations that it took may still be on their way.
	v.up = old.up || ok && self.Incarnation == h.cfg.Incarnation
	h.totals.follows(h.cfg.Self, h.mu.m, m)
	h.mu.m = m
	h.mu.core.SetMap(m, h.cfg.Clock())
	h.view.Store(v)
	h.release()
	close(old.next)
}

// newParts returns the parts of a cluster of q partitions, with the copies that
// were in the store at Open.
func (h *Host) newParts(q int) []part {
	parts := make([]part, q)
	for _, c := range h.found {
		if int(c.Partition) >= q {
			h.log.Error("store has a copy of a partition that the cluster does not have", "partition", c.Partition)
			continue
		}
		parts[c.Partition].slot.Store(uint64(c.Slot))
	}
	h.found = nil
	return parts
}

// slotOf returns the slot of this node's copy; 0: none is in the store.
func (v *view) slotOf(p partition.ID) storage.Slot { return storage.Slot(v.parts[p].slot.Load()) }

// leads reports whether the map gives this node the partition's primary role.
func (h *Host) leads(v *view, p partition.ID) bool {
	return v.up && v.m.Table[p].Primary == h.cfg.Self
}
