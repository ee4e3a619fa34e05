package fsm

import (
	"fmt"
	"slices"

	"pipelinedht/partition"
)

// encodeState returns the snapshot of a state. The body of its envelope; node
// ids in rows are indexes into the peers, as every copy is a peer's:
//
//	founded     bool; nothing but barred and gone follows if false
//	cluster     id
//	partitions  uint
//	replicas    uint
//	hash        string
//	version     uint
//	stamp       uint
//	departing   id
//	peers       uint count, then each:
//	  id           id
//	  name         string
//	  address      string
//	  incarnation  uint
//	  state        1 byte, partition.PeerState; 4: Leaving and Silent
//	  importing    bool
//	  join id      id
//	  up at        uint
//	  last         uint incarnation, uint number, 1 byte Refusal: its last command
//	rows        one for each partition:
//	  epoch        uint
//	  term         uint
//	  primary      uint index
//	  in-sync      uint count, then a uint index each
//	  target       uint count, then a uint index each
//	  min in-sync  uint
//	barred      uint count, then an id each, ascending
//	gone        uint count, then an id each, ascending
//	born        uint count, then each, ascending: uint partition, uint version;
//	            left out if there is none
//
// The same state has the same bytes on every node.
func encodeState(s *State) []byte {
	m := s.Map
	if m == nil {
		w := newWriter(16 + 8*len(s.barred) + 8*len(s.gone))
		w.bool(false)
		encodeIDs(w, s.barred)
		encodeIDs(w, s.gone)
		return w.seal()
	}
	w := newWriter(256 + 128*len(m.Peers) + 24*len(m.Table) + 8*len(s.barred) + 8*len(s.gone))
	w.bool(true)
	w.id(uint64(m.Cluster))
	w.uint(uint64(m.Settings.Partitions))
	w.uint(uint64(m.Settings.Replicas))
	w.string(m.Settings.Hash)
	w.uint(uint64(m.Version))
	w.uint(uint64(m.Stamp))
	w.id(m.Departing)
	index := make(map[partition.NodeID]uint64, len(m.Peers))
	w.uint(uint64(len(m.Peers)))
	for i := range m.Peers {
		index[m.Peers[i].ID] = uint64(i)
		encodePeer(w, &m.Peers[i], s.last[i])
	}
	for i := range m.Table {
		encodeRow(w, &m.Table[i], index)
	}
	encodeIDs(w, s.barred)
	encodeIDs(w, s.gone)
	encodeBirths(w, m.Table)
	return w.seal()
}

// encodeBirths writes when partitions began anew, nothing if none did.
func encodeBirths(w *writer, table []partition.Row) {
	count := uint64(0)
	for i := range table {
		if table[i].Born != 0 {
			count++
		}
	}
	if count == 0 {
		return
	}
	w.uint(count)
	for i := range table {
		if born := table[i].Born; born != 0 {
			w.uint(uint64(i))
			w.uint(uint64(born))
		}
	}
}

func decodeBirths(r *reader, table []partition.Row) {
	next := 0
	for range r.count(2) {
		i := r.index(len(table))
		if r.err != nil {
			return
		}
		if i < next {
			r.fail("births out of order")
			return
		}
		next = i + 1
		if table[i].Born = partition.Version(r.uint()); table[i].Born == 0 {
			r.fail("a birth at version 0")
		}
	}
}

// leavingSilent is what is written for a peer that is Leaving and Silent.
const leavingSilent = byte(partition.Leaving) + 1

func encodePeer(w *writer, p *partition.Peer, last progress) {
	w.id(uint64(p.ID))
	w.string(p.Name)
	w.string(p.Address)
	w.uint(uint64(p.Incarnation))
	if p.Silent {
		w.byte(leavingSilent)
	} else {
		w.byte(byte(p.State))
	}
	w.bool(p.Importing)
	w.id(p.JoinID)
	w.uint(uint64(p.UpAt))
	w.uint(uint64(last.incarnation))
	w.uint(last.number)
	w.byte(byte(last.result))
}

func encodeRow(w *writer, row *partition.Row, index map[partition.NodeID]uint64) {
	node := func(id partition.NodeID) {
		i, ok := index[id]
		if !ok {
			panic(fmt.Sprintf("a row names node %v, which is no peer", id))
		}
		w.uint(i)
	}
	w.uint(uint64(row.Epoch))
	w.uint(uint64(row.Term))
	node(row.Primary)
	for _, ids := range [][]partition.NodeID{row.InSync, row.Target} {
		w.uint(uint64(len(ids)))
		for _, id := range ids {
			node(id)
		}
	}
	w.uint(uint64(row.MinInSync))
}

func encodeIDs[T ~uint64](w *writer, ids []T) {
	w.uint(uint64(len(ids)))
	for _, id := range ids {
		w.id(uint64(id))
	}
}

// decodeIDs reads ids that must ascend.
func decodeIDs[T ~uint64](r *reader) []T {
	ids := make([]T, r.count(8))
	for i := range ids {
		ids[i] = T(r.id())
		if i > 0 && ids[i-1] >= ids[i] {
			r.fail("ids out of order")
		}
	}
	return ids
}

// decodeState reads what encodeState wrote, and checks what readers rely on.
func decodeState(b []byte) (*State, error) {
	r, err := openEnvelope(b)
	if err != nil {
		return nil, err
	}
	s := &State{}
	if r.bool() {
		decodeMap(r, s)
	}
	s.barred = decodeIDs[uint64](r)
	s.gone = decodeIDs[partition.NodeID](r)
	if s.Map != nil && len(r.b) > 0 {
		decodeBirths(r, s.Map.Table)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return s, nil
}

func decodeMap(r *reader, s *State) {
	m := &partition.Map{Cluster: partition.ClusterID(r.id())}
	m.Settings.Partitions = int(r.uint())
	m.Settings.Replicas = int(r.uint())
	m.Settings.Hash = r.string()
	m.Version = partition.Version(r.uint())
	m.Stamp = partition.Stamp(r.uint())
	m.Departing = r.id()
	if err := checkSettings(m.Settings); r.err == nil && err != nil {
		r.fail(err.Error())
		return
	}
	const peerSize, rowSize = 8 + 8 + 8, 6 // the least that one takes
	m.Peers = make([]partition.Peer, r.count(peerSize))
	s.last = make([]progress, len(m.Peers))
	ids := make([]partition.NodeID, len(m.Peers))
	for i := range m.Peers {
		m.Peers[i], s.last[i] = decodePeer(r)
		ids[i] = m.Peers[i].ID
		if i > 0 && ids[i-1] >= ids[i] {
			r.fail("peers out of order")
		}
	}
	if m.Settings.Partitions*rowSize > len(r.b) {
		r.fail("ends early")
		return
	}
	m.Table = make([]partition.Row, m.Settings.Partitions)
	for i := range m.Table {
		decodeRow(r, ids, &m.Table[i])
	}
	s.Map = m
}

func decodePeer(r *reader) (partition.Peer, progress) {
	p := partition.Peer{
		ID:          partition.NodeID(r.id()),
		Name:        r.string(),
		Address:     r.string(),
		Incarnation: partition.Incarnation(r.uint()),
		State:       partition.PeerState(r.byte()),
		Importing:   r.bool(),
		JoinID:      r.id(),
		UpAt:        partition.Version(r.uint()),
	}
	switch {
	case byte(p.State) == leavingSilent:
		p.State, p.Silent = partition.Leaving, true
	case p.State > partition.Leaving:
		r.fail("unknown peer state")
	}
	return p, progress{partition.Incarnation(r.uint()), r.uint(), Refusal(r.byte())}
}

func decodeRow(r *reader, peers []partition.NodeID, row *partition.Row) {
	row.Epoch = partition.Epoch(r.uint())
	row.Term = partition.Term(r.uint())
	row.Primary = decodeNode(r, peers)
	for _, ids := range []*[]partition.NodeID{&row.InSync, &row.Target} {
		*ids = make([]partition.NodeID, r.count(1))
		for i := range *ids {
			(*ids)[i] = decodeNode(r, peers)
		}
	}
	row.MinInSync = r.index(MaxReplicas + 1)
	if !slices.Contains(row.InSync, row.Primary) {
		r.fail("primary not in sync")
	}
}
