package host

import (
	"bytes"
	"sync"
	"time"

	"pipelinedht/partition"
)

const (
	// sweepEvery is the least time between two sweeps.
	sweepEvery = 5 * time.Second
	// sweepKeys is how many tombstones are looked up at a time, and sweepers how
	// many are removed at a time.
	sweepKeys = 1024
	sweepers  = 16
)

// sweepLoop removes the tombstones of the partitions that this node is primary
// for, whenever the map has changed and nobody imports: then no key of before can
// come back any more. Tombstones that a node keeps for the way back to a cluster
// stay (Config.Tombstones).
func (h *Host) sweepLoop() {
	if h.cfg.Tombstones {
		return
	}
	var swept partition.Version // all is clean by that map
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		v := h.view.Load()
		if v.up && v.m.Version != swept && !v.m.Importing() && h.sweep(v) {
			swept = v.m.Version
		}
		select {
		case <-h.ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// sweep goes through the partitions once; false if something is left to do.
func (h *Host) sweep(v *view) bool {
	clean := true
	for p := range v.m.Table {
		if h.ctx.Err() != nil || h.view.Load().m.Importing() {
			return false
		}
		if h.leads(v, partition.ID(p)) && !h.sweepPartition(v, partition.ID(p)) {
			clean = false
		}
	}
	return clean
}

// sweepPartition removes one partition's tombstones.
func (h *Host) sweepPartition(v *view, p partition.ID) bool {
	slot := v.slotOf(p)
	if slot == 0 {
		return true
	}
	var after []byte
	clean := true
	for {
		var keys [][]byte
		err := h.store.Tombstones(slot, after, func(key []byte) bool {
			keys = append(keys, bytes.Clone(key))
			return len(keys) < sweepKeys
		})
		if err != nil {
			h.heed(v, p, slot, err)
			h.log.Warn("sweep tombstones", "partition", p, "error", err)
			return false
		}
		if len(keys) == 0 {
			return clean
		}
		if !h.removeTombstones(keys) {
			clean = false
		}
		after = keys[len(keys)-1]
		if h.ctx.Err() != nil || h.view.Load().m.Importing() {
			return false
		}
	}
}

// removeTombstones proposes the removal of each key's record if that still is a
// tombstone, a few at a time; false if one could not be carried out.
func (h *Host) removeTombstones(keys [][]byte) bool {
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		left = keys
		done = true
	)
	for range min(sweepers, len(keys)) {
		wg.Go(func() {
			for {
				mu.Lock()
				if len(left) == 0 {
					mu.Unlock()
					return
				}
				key := left[0]
				left = left[1:]
				mu.Unlock()
				if _, _, err := h.Write(h.ctx, partition.Op{Kind: partition.OpSweep, Key: key}); err != nil {
					mu.Lock()
					done, left = false, nil
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return done
}
