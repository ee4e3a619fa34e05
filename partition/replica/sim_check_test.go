package replica

import (
	"fmt"
	"slices"

	"pipelinedht/partition"
)

// check holds every invariant that can be judged at any moment.
func (w *world) check() {
	w.observe()
	m := w.law.latest()
	for id := range m.Table {
		w.checkRow(partition.ID(id), &m.Table[id])
	}
	for _, n := range w.nodes {
		if n.core != nil && n.core.up {
			w.checkNode(n)
		}
	}
}

// checkRow: every in-sync copy is whole and has all of W (invariants 1, 2, 9).
func (w *world) checkRow(id partition.ID, row *partition.Row) {
	t := w.truth
	if !slices.Contains(row.InSync, row.Primary) {
		t.fail("invariant 1: partition %d: primary %d is not in %v", id, row.Primary, row.InSync)
	}
	last := partition.Seq(len(t.w[id]))
	for _, n := range row.InSync {
		d := w.node(n).disk[id]
		if d == nil {
			if last > 0 {
				t.fail("invariant 9: in-sync node %d has no copy of partition %d", n, id)
			}
			continue
		}
		if d.damaged {
			continue
		}
		if d.mark != nil {
			t.fail("invariant 9: in-sync node %d has a marked copy of partition %d", n, id)
		}
		if last == 0 {
			continue
		}
		if at, ok := d.label(last); !ok || at != t.w[id][last-1].entry.Label {
			t.fail("invariant 2: in-sync node %d of partition %d has %v at %d, W has %v",
				n, id, d.last(), last, t.w[id][last-1].entry.Label)
		}
	}
}

// checkNode: who may read has seen all of W (invariant 4), and a lease is backed
// by a promise (invariant 5).
func (w *world) checkNode(n *simNode) {
	t := w.truth
	now := n.clock()
	for _, c := range n.core.copies {
		if c == nil || c.lead == nil || c.lead.phase != serving || n.w.now < n.pausedUntil {
			continue
		}
		n.core.now = now
		if !n.core.leasesRun(c.lead) {
			continue
		}
		if c.commit < partition.Seq(len(t.w[c.id])) {
			t.fail("invariant 4: node %d may read partition %d at %d, W is at %d", n.id, c.id, c.commit, len(t.w[c.id]))
		}
		if t.reigns[c.id] > c.lead.term {
			t.fail("invariant 4: node %d may read partition %d in term %d, term %d has recovered", n.id, c.id, c.lead.term, t.reigns[c.id])
		}
	}
	for _, g := range w.nodes {
		p := n.core.peers[g.id]
		if p == nil || g.core == nil || now >= p.leaseUntil {
			continue
		}
		started := g.clock()-g.core.started < g.core.cfg.Grant
		if q := g.core.peers[n.id]; !started && (q == nil || g.clock() >= q.promiseUntil) {
			t.fail("invariant 5: node %d has a lease from node %d that no promise backs", n.id, g.id)
		}
	}
}

// checkRecovered: when a term begins to serve, every in-sync copy has its log
// (invariant 8).
func (w *world) checkRecovered(n *simNode, c *replica) {
	for _, id := range c.row.InSync {
		d := w.node(id).disk[c.id]
		if d != nil && d.damaged {
			continue // since it said where it stood; it will say so
		}
		if c.log.last.Seq > 0 && (d == nil || d.last() != c.lead.window.baseLabel(c)) {
			w.truth.fail("invariant 8: node %d recovered partition %d at %v, node %d is not there", n.id, c.id, c.log.last, id)
		}
	}
}

// baseLabel returns the label that recovery ended at.
func (win *window) baseLabel(c *replica) partition.Label {
	l, _ := c.log.label(c.lead.first - 1)
	return l
}

// checkReplay: a copy that is whole is the replay of its history (invariant 7).
func (w *world) checkReplay(n *simNode, id partition.ID, d *diskCopy) {
	w.truth.transfer++
	want, ok := w.truth.replay(id, d.last())
	if !ok {
		w.truth.fail("invariant 7: node %d has %v of partition %d, whose history nobody knows", n.id, d.last(), id)
	} else if !sameData(want, d.data) {
		w.truth.fail("invariant 7: node %d, partition %d at %v: has %v, the replay gives %v", n.id, id, d.last(), d.data, want)
	}
}

// checkEnd: with the faults over, every target is reached and all copies are
// equal (invariant 15).
func (w *world) checkEnd() error {
	m := w.law.latest()
	for id := range m.Table {
		row := &m.Table[id]
		if !row.Settled() {
			return fmt.Errorf("invariant 15: partition %d is not settled: %+v", id, *row)
		}
		facts := w.truth.w[id]
		var last partition.Label
		if len(facts) > 0 {
			last = facts[len(facts)-1].entry.Label
		}
		want, _ := w.truth.replay(partition.ID(id), last)
		for _, nid := range row.InSync {
			n := w.node(nid)
			d := n.disk[partition.ID(id)]
			if d == nil && len(facts) == 0 {
				continue
			}
			if d.last().Compare(last) < 0 || d.mark != nil {
				return fmt.Errorf("invariant 15: node %d, partition %d ends at %v with mark %v, W at %v", nid, id, d.last(), d.mark, last)
			}
			if d.last() == last && !sameData(d.data, want) {
				return fmt.Errorf("invariant 7: node %d, partition %d at %v: has %v, the replay gives %v", nid, id, last, d.data, want)
			}
			if c := n.core.copy(partition.ID(id)); c.lead != nil && c.commit != c.log.last.Seq {
				return fmt.Errorf("invariant 15: node %d, partition %d: nobody writes any more, and %d of %d is committed", nid, id, c.commit, c.log.last.Seq)
			}
			if len(n.core.inFlight)+len(n.core.changes) > 0 {
				return fmt.Errorf("invariant 15: node %d still has proposals open", nid)
			}
		}
	}
	return nil
}
