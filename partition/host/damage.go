package host

import (
	"errors"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
	"pipelinedht/partition/storage"
)

// heed has a copy taken out of service where err, from reading slot, says that it
// is damaged. Whoever was reading tries again, at another copy by then.
func (h *Host) heed(v *view, p partition.ID, slot storage.Slot, err error) {
	if !errors.Is(err, storage.ErrCorrupt) || slot == 0 || v.slotOf(p) != slot {
		return // a copy that is gone already
	}
	news := false
	h.step(func(core *replica.Node, _ time.Duration) { news = core.Damaged(p) })
	if news {
		h.damagesFound.Add(1)
	}
	if news || h.clock.seldom(&h.damageLogged) {
		h.log.Error("a copy is damaged: it is fetched anew, unless it is the only one in sync",
			"partition", p, "in_sync", v.m.Table[p].InSync, "error", err)
	}
}
