package host

import (
	"time"

	"pipelinedht/partition"
)

// scrubEvery is how often it is asked whether a table was found damaged.
const scrubEvery = 5 * time.Second

// scrubLoop reads the copies through that have a part in a damaged table, so that
// those that are damaged are replaced before other copies are lost: what a
// compaction runs into nobody else may read for long.
func (h *Host) scrubLoop() {
	ticker := time.NewTicker(scrubEvery)
	defer ticker.Stop()
	for {
		select {
		case <-h.ctx.Done():
			return
		case <-ticker.C:
		}
		for _, r := range h.store.Suspects() {
			v := h.view.Load()
			for p := range v.parts {
				slot := v.slotOf(partition.ID(p))
				if slot == 0 || slot < r.First || slot > r.Last || h.ctx.Err() != nil {
					continue
				}
				h.heed(v, partition.ID(p), slot, h.store.Verify(slot))
			}
		}
	}
}
