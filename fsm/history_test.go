package fsm

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"pipelinedht/partition"
)

// history draws commands, mostly sensible ones, and checks after each what must
// hold of any two states that follow each other.
type history struct {
	*rapid.T
	a, b   *State // two replicas
	own    bool   // nobody else has b's table: it is edited where it is
	number map[partition.NodeID]uint64
	inc    map[partition.NodeID]partition.Incarnation // that a node has started in
}

const historyNodes = 7

// TestAnyHistoryKeepsTheInvariants applies random histories on two replicas, one
// of which is restored from a snapshot now and then, and edits its own table.
func TestAnyHistoryKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := &history{
			T: t, a: &State{}, b: &State{},
			number: make(map[partition.NodeID]uint64), inc: make(map[partition.NodeID]partition.Incarnation),
		}
		for id := range partition.NodeID(historyNodes + 1) {
			h.inc[id] = 1
		}
		f := &found{cluster: 9, name: "n1", address: "h1:1", settings: partition.Settings{
			Partitions: rapid.IntRange(1, 9).Draw(t, "q"), Replicas: rapid.IntRange(1, 4).Draw(t, "r"), Hash: "xxhash64",
		}}
		h.apply(header{1, 1, 0}, f)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			h.step()
		}
	})
}

func (h *history) node(label string) partition.NodeID {
	return partition.NodeID(rapid.IntRange(1, historyNodes).Draw(h.T, label))
}

// step draws one command and applies it, sometimes under a number out of order.
func (h *history) step() {
	by := h.node("by")
	c := h.draw(&by)
	if _, up := c.(*peerUp); up {
		h.inc[by]++
	}
	h.number[by]++
	number := h.number[by]
	if rapid.IntRange(0, 9).Draw(h.T, "straggler") == 0 {
		number = rapid.Uint64Range(0, number).Draw(h.T, "number")
	}
	h.apply(header{by, h.inc[by], number}, c)
}

func (h *history) draw(by *partition.NodeID) command {
	switch k := rapid.IntRange(0, 20).Draw(h.T, "kind"); k {
	case 0, 1, 2:
		id := h.node("id")
		return &addPeer{
			id: id, joinID: rapid.Uint64Range(1, 12).Draw(h.T, "join"), stamp: partition.Stamp(rapid.IntRange(0, 99).Draw(h.T, "stamp")),
			name: fmt.Sprint("n", h.node("name")), address: fmt.Sprint("h", h.node("address"), ":1"),
		}
	case 3:
		return &abortJoin{rapid.Uint64Range(0, 12).Draw(h.T, "join")}
	case 4:
		return &importDone{}
	case 5:
		return &departing{rapid.Uint64Range(0, 2).Draw(h.T, "join")}
	case 6:
		return &stay{rapid.Uint64Range(0, 2).Draw(h.T, "join")}
	case 7:
		return &removePeer{h.node("id")}
	case 8, 9:
		return &peerUp{fmt.Sprint("h", h.node("address"), ":1")}
	case 13:
		return &forgetPeer{h.node("id"), rapid.Bool().Draw(h.T, "give up")}
	case 10, 11, 12:
		id := h.node("id")
		return &peerState{id, h.inc[id], turn(rapid.IntRange(1, 3).Draw(h.T, "turn"))}
	default:
		return h.drawChanges(by)
	}
}

// drawChanges draws changes that a live primary or backup would propose, with
// faults among them.
func (h *history) drawChanges(by *partition.NodeID) command {
	c := &changeCopies{}
	for range rapid.IntRange(1, 4).Draw(h.T, "changes") {
		p := partition.ID(rapid.IntRange(0, len(h.a.Map.Table)-1).Draw(h.T, "partition"))
		row := &h.a.Map.Table[p]
		ch := partition.Change{Partition: p, Epoch: row.Epoch, Primary: row.Primary}
		switch rapid.IntRange(0, 9).Draw(h.T, "change") {
		case 0, 1, 2, 3: // the primary moves to the target
			*by = row.Primary
			ch.InSync = sorted(row.Target)
			if !slices.Contains(ch.InSync, ch.Primary) {
				ch.InSync = sorted(append(ch.InSync, ch.Primary))
			}
		case 4, 5, 6: // a backup takes over
			*by = rapid.SampledFrom(row.InSync).Draw(h.T, "backup")
			ch.Primary = *by
			ch.InSync = slices.DeleteFunc(slices.Clone(row.InSync), func(id partition.NodeID) bool { return id == row.Primary })
		case 7: // anything
			ch.Epoch = partition.Epoch(rapid.Uint64Range(0, uint64(row.Epoch)).Draw(h.T, "epoch"))
			ch.Primary = h.node("primary")
			ch.InSync = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) partition.NodeID {
				return partition.NodeID(rapid.IntRange(1, historyNodes).Draw(t, "id"))
			}), 0, 4).Draw(h.T, "in sync")
		default: // the primary hands over, or begins anew
			*by = row.Primary
			ch.Primary = rapid.SampledFrom(row.InSync).Draw(h.T, "successor")
			ch.InSync, ch.NewTerm = row.InSync, true
		}
		c.changes = append(c.changes, ch)
	}
	return c
}

// apply applies the command, as the log carries it, on both replicas.
func (h *history) apply(by header, c command) {
	entry := encodeCommand(by, c)
	by2, c2, err := decodeCommand(entry)
	if err != nil || by2 != by {
		h.Fatalf("%+v %+v: decoded %+v, %v", by, c, by2, err)
	}
	was, before := h.a, encodeState(h.a)
	a, result, recorded := h.a.apply(by, c)
	if !bytes.Equal(encodeState(was), before) {
		h.Fatalf("%T changed the state before it", c)
	}
	if rapid.IntRange(0, 4).Draw(h.T, "restore") == 0 {
		s, err := decodeState(before)
		if err != nil {
			h.Fatalf("snapshot of %+v: %v", was.Map, err)
		}
		h.b, h.own = s, true
	}
	h.own = h.own && rapid.IntRange(0, 4).Draw(h.T, "published") > 0
	b, result2, _ := h.b.applyOwn(by2, c2, &h.own)
	if snapshot := encodeState(a); result != result2 || !bytes.Equal(snapshot, encodeState(b)) {
		h.Fatalf("replicas differ after %+v %+v: %v, %v\n%+v\n%+v", by, c, result, result2, a.Map, b.Map)
	}
	h.a, h.b = a, b
	checkState(h, a)
	if was.Map != nil {
		checkStep(h, was, a, by, c, result, recorded)
	}
}

// checkState checks what holds of every state.
func checkState(t rapid.TB, s *State) {
	m := s.Map
	if len(s.last) != len(m.Peers) {
		t.Fatalf("%d peers, progress of %d", len(m.Peers), len(s.last))
	}
	if !slices.IsSortedFunc(m.Peers, func(a, b partition.Peer) int { return cmp.Compare(a.ID, b.ID) }) {
		t.Fatalf("peers out of order: %+v", m.Peers)
	}
	for i, p := range m.Peers {
		if s.isGone(p.ID) || s.last[i].incarnation > p.Incarnation ||
			p.State == partition.Leaving && !m.Holds(p.ID) || p.Silent && p.State != partition.Leaving {
			t.Fatalf("peer %+v, progress %+v, gone %v", p, s.last[i], s.gone)
		}
	}
	for i, row := range m.Table {
		fit := row.MinInSync >= 1 && row.MinInSync <= minInSync(m.Wanted()) &&
			slices.Contains(row.InSync, row.Primary) && slices.IsSorted(row.InSync) &&
			uint64(row.Term) <= uint64(row.Epoch) && uint64(row.Epoch) <= uint64(m.Version)
		for _, id := range row.InSync {
			_, peer := m.Peer(id)
			fit = fit && peer
		}
		for _, id := range row.Target {
			p, peer := m.Peer(id)
			fit = fit && peer && p.State != partition.Leaving
		}
		if !fit {
			t.Fatalf("partition %d: %+v\npeers %+v", i, row, m.Peers)
		}
	}
}

// checkStep checks what holds of two states that follow each other.
func checkStep(h *history, was, is *State, by header, c command, result Refusal, recorded bool) {
	if last, ok := was.progressOf(by.proposer); recorded && (!ok || !by.after(last)) {
		h.Fatalf("%T carried out under number %+v, after %+v", c, by, last)
	}
	if was.Map == is.Map {
		if recorded {
			if p, _ := is.progressOf(by.proposer); p != (progress{by.incarnation, by.number, result}) {
				h.Fatalf("%T not recorded: %+v", c, p)
			}
		} else if was != is {
			h.Fatalf("%T left no record and another state", c)
		}
		return
	}
	if result != 0 || !recorded || is.Map.Version != was.Map.Version+1 || is.Map.Stamp < was.Map.Stamp {
		h.Fatalf("%T, %v: version %d after %d", c, result, is.Map.Version, was.Map.Version)
	}
	for _, p := range was.Map.Peers {
		if q, ok := is.Map.Peer(p.ID); !ok && !is.isGone(p.ID) || ok && q.Incarnation < p.Incarnation {
			h.Fatalf("%T: peer %+v became %+v", c, p, q)
		}
	}
	for i := range is.Map.Table {
		if was, is := &was.Map.Table[i], &is.Map.Table[i]; was.Born != is.Born {
			checkBirth(h, partition.ID(i), c)
		} else {
			checkRowStep(h, was, is, h.a.Map, by, c)
		}
	}
}

// checkBirth checks a partition that has begun anew.
func checkBirth(h *history, id partition.ID, c command) {
	m, row := h.a.Map, &h.a.Map.Table[id]
	v := uint64(m.Version)
	at, _ := m.Peer(row.Primary)
	f, ok := c.(*forgetPeer)
	if !ok || !f.giveUp || at.State != partition.Active || len(row.InSync) != 1 || row.MinInSync != 1 ||
		uint64(row.Epoch) != v || uint64(row.Term) != v || uint64(row.Born) != v {
		h.Fatalf("%+v at version %d: partition %d was born as %+v, at %+v", c, v, id, *row, at)
	}
}

func checkRowStep(h *history, was, is *partition.Row, m *partition.Map, by header, c command) {
	v := uint64(m.Version)
	inSyncMoved := !slices.Equal(was.InSync, is.InSync)
	termMoved := was.Term != is.Term
	moved := inSyncMoved || termMoved || was.Primary != is.Primary
	fit := is.Epoch == was.Epoch
	if moved {
		fit = uint64(is.Epoch) == v
	}
	if termMoved {
		fit = fit && uint64(is.Term) == v
	}
	if was.Primary != is.Primary {
		fit = fit && termMoved && slices.Contains(was.InSync, is.Primary)
	}
	_, changes := c.(*changeCopies)
	_, up := c.(*peerUp)
	if moved && !changes && !(up && termMoved && !inSyncMoved && was.Primary == by.proposer) {
		fit = false
	}
	for _, id := range is.InSync {
		if !slices.Contains(was.InSync, id) && by.proposer != was.Primary {
			fit = false
		}
	}
	if by.proposer != was.Primary && moved && slices.Contains(is.InSync, was.Primary) {
		fit = false
	}
	if by.proposer == was.Primary && !slices.Contains(is.InSync, was.Primary) {
		fit = false
	}
	if is.MinInSync > was.MinInSync && (!moved || len(is.InSync) < m.Wanted()) {
		fit = false
	}
	if is.MinInSync < was.MinInSync && is.MinInSync != minInSync(m.Wanted()) {
		fit = false
	}
	if !fit {
		h.Fatalf("%+v %T at version %d: %+v became %+v", by, c, v, *was, *is)
	}
}
