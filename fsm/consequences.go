package fsm

import (
	"slices"

	"pipelinedht/partition"
)

// minInSync is the minimum in-sync of a row that is filled: one less than the
// copies wanted, at least one.
func minInSync(wanted int) int { return max(1, wanted-1) }

// replaceAtOnce marks peers replaced without waiting where it is urgent: if a row
// has fewer in-sync copies on live peers than its minimum, every down peer in
// its in-sync set or target is. The whole peer is, not only for that row, which
// keeps the plan one of peers.
func (d *draft) replaceAtOnce() {
	if !d.thinned {
		return
	}
	m := d.current()
	if !slices.ContainsFunc(m.Peers, func(p partition.Peer) bool { return p.State == partition.Down }) {
		return
	}
	silent := make(map[partition.NodeID]partition.PeerState)
	for _, p := range m.Peers {
		if m.Away(p.ID) {
			silent[p.ID] = p.State
		}
	}
	urgent := make(map[partition.NodeID]bool)
	mark := func(ids []partition.NodeID) {
		for _, id := range ids {
			if s, ok := silent[id]; ok && s == partition.Down {
				urgent[id] = true
			}
		}
	}
	for i := range m.Table {
		row := &m.Table[i]
		live := 0
		for _, id := range row.InSync {
			if _, ok := silent[id]; !ok {
				live++
			}
		}
		if live < row.MinInSync {
			mark(row.InSync)
			mark(row.Target)
		}
	}
	for id := range urgent {
		d.peer(id).State = partition.Replaced
		d.replan = true
	}
}

// planAnew gives all rows the targets that the placement wants now.
func (d *draft) planAnew() {
	if !d.replan {
		return
	}
	for i, target := range partition.Plan(d.current()) {
		p := partition.ID(i)
		if !slices.Equal(d.current().Table[p].Target, target) {
			d.row(p).Target = target
		}
	}
}

// lowerMinimum lowers the minimum in-sync of rows at once when fewer copies are
// wanted. It rises only with the change that fills the row: see changeCopies.
func (d *draft) lowerMinimum() {
	if !d.shrunk {
		return
	}
	m := d.current()
	most := minInSync(m.Wanted())
	for i := range m.Table {
		if m.Table[i].MinInSync > most {
			d.row(partition.ID(i)).MinInSync = most
			m = d.current()
		}
	}
}

// dropLeft removes leaving peers that hold no copy any more.
func (d *draft) dropLeft() {
	m := d.current()
	held := make(map[partition.NodeID]bool)
	for _, p := range m.Peers {
		if p.State == partition.Leaving {
			held[p.ID] = false
		}
	}
	if len(held) == 0 {
		return
	}
	note := func(ids []partition.NodeID) {
		for _, id := range ids {
			if _, leaving := held[id]; leaving {
				held[id] = true
			}
		}
	}
	for i := range m.Table {
		note(m.Table[i].InSync)
		note(m.Table[i].Target)
	}
	gone := func(p partition.Peer) bool {
		holds, leaving := held[p.ID]
		return leaving && !holds
	}
	if !slices.ContainsFunc(m.Peers, gone) {
		return
	}
	kept := make([]partition.Peer, 0, len(m.Peers))
	for _, p := range m.Peers {
		if gone(p) {
			d.gone = with(d.gone, p.ID)
		} else {
			kept = append(kept, p)
		}
	}
	d.edit().Peers, d.ownPeers = kept, true
}
