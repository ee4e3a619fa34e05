package replica

import (
	"math/rand/v2"
	"slices"
	"time"

	"pipelinedht/partition"
)

// authority is what Raft agrees on, with the rules of fsm in short.
type authority struct {
	rng         *rand.Rand
	maps        []*partition.Map
	haltedUntil time.Duration
	w           *world
}

func newAuthority(rng *rand.Rand, ids []partition.NodeID) *authority {
	m := &partition.Map{
		Cluster: 1, Version: 1,
		Settings: partition.Settings{Partitions: simPartitions, Replicas: simReplicas},
	}
	for _, id := range ids {
		m.Peers = append(m.Peers, partition.Peer{ID: id, UpAt: 1})
	}
	for range simPartitions {
		set := slices.Clone(ids)
		rng.Shuffle(len(set), func(i, j int) { set[i], set[j] = set[j], set[i] })
		target := slices.Clone(set[:simReplicas])
		inSync := slices.Sorted(slices.Values(target))
		m.Table = append(m.Table, partition.Row{
			Epoch: 1, Term: 1, Primary: target[0], InSync: inSync, Target: target,
			MinInSync: 1 + rng.IntN(2),
		})
	}
	return &authority{rng: rng, maps: []*partition.Map{m}}
}

func (a *authority) latest() *partition.Map { return a.maps[len(a.maps)-1] }

// reaches reports whether a node can speak with Raft's majority.
func (a *authority) reaches(n *simNode) bool {
	return n.w.now >= a.haltedUntil && n.w.now >= n.raftCutUntil
}

// next returns a copy of the latest map, one version on.
func (a *authority) next() *partition.Map {
	m := *a.latest()
	m.Version++
	m.Peers, m.Table = slices.Clone(m.Peers), slices.Clone(m.Table)
	return &m
}

func (a *authority) peerUp(id partition.NodeID, inc partition.Incarnation) bool {
	m := a.next()
	i := slices.IndexFunc(m.Peers, func(p partition.Peer) bool { return p.ID == id })
	if m.Peers[i].Incarnation >= inc {
		return m.Peers[i].Incarnation == inc
	}
	m.Peers[i].Incarnation, m.Peers[i].UpAt = inc, m.Version
	for j := range m.Table {
		if row := &m.Table[j]; row.Primary == id {
			row.Term, row.Epoch = partition.Term(m.Version), partition.Epoch(m.Version)
		}
	}
	a.maps = append(a.maps, m)
	return true
}

// change applies ChangeCopies: each partition succeeds or fails alone.
func (a *authority) change(id partition.NodeID, inc partition.Incarnation, changes []partition.Change) {
	m := a.next()
	if p, _ := m.Peer(id); p.Incarnation != inc {
		return
	}
	changed := false
	for _, ch := range changes {
		row := &m.Table[ch.Partition]
		if row.Epoch != ch.Epoch || !slices.Contains(row.InSync, ch.Primary) || !slices.Contains(ch.InSync, ch.Primary) {
			continue
		}
		if id != row.Primary {
			added := slices.ContainsFunc(ch.InSync, func(n partition.NodeID) bool { return !slices.Contains(row.InSync, n) })
			if added || ch.Primary != id || slices.Contains(ch.InSync, row.Primary) || !slices.Contains(row.InSync, id) {
				continue
			}
		} else if ch.Primary != id && !slices.Contains(ch.InSync, id) {
			continue
		}
		if ch.Primary != row.Primary || ch.NewTerm {
			row.Term = partition.Term(m.Version)
		}
		row.Primary, row.InSync, row.Epoch = ch.Primary, slices.Clone(ch.InSync), partition.Epoch(m.Version)
		changed = true
		a.w.logf("version %d: node %d changes partition %d to primary %d of %v", m.Version, id, ch.Partition, ch.Primary, ch.InSync)
	}
	if changed {
		a.maps = append(a.maps, m)
	}
}

// toggleImport has a peer begin or end an import: deletes leave tombstones
// meanwhile.
func (a *authority) toggleImport() {
	m := a.next()
	m.Peers[0].Importing = !m.Peers[0].Importing
	a.maps = append(a.maps, m)
}

// moveTargets plans one partition anew, as joins and leaves do.
func (a *authority) moveTargets(w *world) {
	m := a.next()
	row := &m.Table[a.rng.IntN(len(m.Table))]
	var ids []partition.NodeID
	for _, p := range m.Peers {
		ids = append(ids, p.ID)
	}
	a.rng.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	row.Target = ids[:simReplicas]
	w.logf("new target %v", row.Target)
	a.maps = append(a.maps, m)
}
