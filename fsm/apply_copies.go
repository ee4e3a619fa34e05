package fsm

import (
	"slices"

	"pipelinedht/partition"
)

// maxChanges bounds the changes in one command, so that it fits a frame of 1 MiB
// even with the largest in-sync sets.
const maxChanges = 16384

// changeCopies changes primaries and in-sync sets. Every change is judged alone,
// against what the ones before it left, and a refused one is left out.
//
// Fields:
//
//	nodes     uint count, then an id each: those that the changes name
//	changes   uint count, then each:
//	  partition  uint
//	  epoch      uint, expected
//	  new term   bool
//	  primary    uint, index into nodes
//	  in-sync    uint count, then an index into nodes each
type changeCopies struct{ changes []partition.Change }

func (*changeCopies) kind() commandKind { return kindChangeCopies }

func (c *changeCopies) encode(w *writer) {
	table := newNodeTable()
	for _, ch := range c.changes {
		table.add(ch.Primary)
		for _, id := range ch.InSync {
			table.add(id)
		}
	}
	table.encode(w)
	w.uint(uint64(len(c.changes)))
	for _, ch := range c.changes {
		w.uint(uint64(ch.Partition))
		w.uint(uint64(ch.Epoch))
		w.bool(ch.NewTerm)
		w.uint(table.index[ch.Primary])
		w.uint(uint64(len(ch.InSync)))
		for _, id := range ch.InSync {
			w.uint(table.index[id])
		}
	}
}

func (c *changeCopies) decode(r *reader) {
	nodes := decodeNodes(r)
	c.changes = make([]partition.Change, r.count(5))
	for i := range c.changes {
		ch := &c.changes[i]
		ch.Partition = partition.ID(r.index(MaxPartitions))
		ch.Epoch = partition.Epoch(r.uint())
		ch.NewTerm = r.bool()
		ch.Primary = decodeNode(r, nodes)
		ch.InSync = make([]partition.NodeID, r.count(1))
		for j := range ch.InSync {
			ch.InSync[j] = decodeNode(r, nodes)
		}
	}
}

func (c *changeCopies) apply(d *draft) Refusal {
	if len(c.changes) > maxChanges {
		return ErrInvalid
	}
	wanted := d.current().Wanted()
	for i := range c.changes {
		ch := &c.changes[i]
		if permits(d.current(), d.by.proposer, ch) {
			d.change(ch, wanted)
		}
	}
	return 0
}

// permits judges one change, proposed by a peer in its present incarnation.
//
//   - It is void unless the row's epoch is the expected one.
//   - The new primary was in sync, so it has every acknowledged write.
//   - Only the primary knows who has caught up, so only it adds members.
//   - A primary that hands over stays in the set, for its successor to drop: it
//     may have acknowledged what the successor must hear of first.
//   - Anybody else proposes only to take over, and drops the primary with it: no
//     epoch has two that could think themselves primary and in sync.
func permits(m *partition.Map, by partition.NodeID, ch *partition.Change) bool {
	if int(ch.Partition) >= len(m.Table) {
		return false
	}
	row := &m.Table[ch.Partition]
	if row.Epoch != ch.Epoch || !slices.Contains(row.InSync, ch.Primary) || !slices.Contains(ch.InSync, ch.Primary) {
		return false
	}
	stays := slices.Contains(ch.InSync, row.Primary)
	if by == row.Primary && !stays || by != row.Primary && (stays || by != ch.Primary) {
		return false
	}
	for i, id := range ch.InSync {
		if i > 0 && ch.InSync[i-1] >= id {
			return false
		}
		if slices.Contains(row.InSync, id) {
			continue
		}
		if p, ok := m.Peer(id); !ok || p.State == partition.Leaving || by != row.Primary {
			return false
		}
	}
	return true
}

// change carries out a permitted change. The minimum in-sync rises with a change
// that gives the row all the copies wanted, and no sooner: a row must not fall
// below its minimum by a peer's joining.
func (d *draft) change(ch *partition.Change, wanted int) {
	was := d.current().Table[ch.Partition]
	moved := was.Primary != ch.Primary || ch.NewTerm
	if !moved && slices.Equal(was.InSync, ch.InSync) {
		return
	}
	row := d.row(ch.Partition)
	row.Primary, row.InSync = ch.Primary, slices.Clone(ch.InSync)
	row.Epoch = partition.Epoch(d.version())
	if moved {
		row.Term = partition.Term(d.version())
	}
	if len(row.InSync) >= wanted {
		row.MinInSync = max(row.MinInSync, minInSync(wanted))
	}
	if len(row.InSync) < len(was.InSync) {
		d.thinned = true
	}
}
