package fsm

import (
	"cmp"
	"slices"

	"pipelinedht/partition"
)

// draft is the next state in the making, while one command is applied. What is
// edited is copied first.
type draft struct {
	by     header
	old    *State
	next   *partition.Map     // nil: nothing has changed yet
	barred []uint64           // of the next state; not to be written in place
	gone   []partition.NodeID // the same

	ownPeers, ownTable bool // next's slices are copies already

	replan bool           // the peers that can have copies have changed
	shrunk bool           // the number of wanted copies may have fallen
	lost   []partition.ID // given up, to begin anew

	thinned bool // rows may have fallen below their minimum, or live copies been lost
}

func newDraft(by header, old *State) *draft {
	return &draft{by: by, old: old, barred: old.barred, gone: old.gone}
}

// current returns the map as it stands with what the command did so far. It must
// not be written to.
func (d *draft) current() *partition.Map {
	if d.next != nil {
		return d.next
	}
	return d.old.Map
}

// version returns the ring version that the map gets if the command changes it.
func (d *draft) version() partition.Version { return d.old.Map.Version + 1 }

// edit returns the next map, of whose slices only peers and row may be written.
func (d *draft) edit() *partition.Map {
	if d.next == nil {
		m := *d.old.Map
		m.Version = d.version()
		d.next = &m
	}
	return d.next
}

// peers returns the next map's peers, to be written.
func (d *draft) peers() []partition.Peer {
	m := d.edit()
	if !d.ownPeers {
		m.Peers = slices.Clone(m.Peers)
		d.ownPeers = true
	}
	return m.Peers
}

// peer returns one of the next map's peers, to be written. It must be there.
func (d *draft) peer(id partition.NodeID) *partition.Peer {
	peers := d.peers()
	i, _ := peerIndex(peers, id)
	return &peers[i]
}

// row returns one of the next map's rows, to be written; not so its slices.
func (d *draft) row(p partition.ID) *partition.Row {
	m := d.edit()
	if !d.ownTable {
		m.Table = slices.Clone(m.Table)
		d.ownTable = true
	}
	return &m.Table[p]
}

// with returns ids, ascending, and id among them, in a slice of its own.
func with[T cmp.Ordered](ids []T, id T) []T {
	i, ok := slices.BinarySearch(ids, id)
	if ok {
		return ids
	}
	return slices.Insert(slices.Clone(ids), i, id)
}

// finish draws the consequences of the command and returns the next state, in
// which its proposer's progress is p.
func (d *draft) finish(p progress) *State {
	if d.next != nil || len(d.lost) > 0 {
		d.replaceAtOnce()
		d.planAnew()
		d.bearAnew()
		d.lowerMinimum()
		d.dropLeft()
	}
	m := d.current()
	last := make([]progress, len(m.Peers))
	for i := range m.Peers {
		if m.Peers[i].ID == d.by.proposer {
			last[i] = p
		} else if was, ok := d.old.progressOf(m.Peers[i].ID); ok {
			last[i] = was
		} else {
			last[i] = progress{incarnation: m.Peers[i].Incarnation}
		}
	}
	return &State{Map: m, last: last, barred: d.barred, gone: d.gone}
}
