package fsm

import "pipelinedht/partition"

// nodeTable numbers node ids in the order of their first mention, so that what
// mentions them often can be written small.
type nodeTable struct {
	ids   []partition.NodeID
	index map[partition.NodeID]uint64 // of an id in ids
}

func newNodeTable() *nodeTable { return &nodeTable{index: make(map[partition.NodeID]uint64)} }

func (t *nodeTable) add(id partition.NodeID) {
	if _, ok := t.index[id]; !ok {
		t.index[id] = uint64(len(t.ids))
		t.ids = append(t.ids, id)
	}
}

// encode writes a uint count and that many ids.
func (t *nodeTable) encode(w *writer) {
	w.uint(uint64(len(t.ids)))
	for _, id := range t.ids {
		w.id(uint64(id))
	}
}

func decodeNodes(r *reader) []partition.NodeID {
	ids := make([]partition.NodeID, r.count(8))
	for i := range ids {
		ids[i] = partition.NodeID(r.id())
	}
	return ids
}

// decodeNode reads an index into ids.
func decodeNode(r *reader, ids []partition.NodeID) partition.NodeID {
	i := r.index(len(ids))
	if i >= len(ids) {
		return 0
	}
	return ids[i]
}
