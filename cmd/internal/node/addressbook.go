package node

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// bookKey is where the store's metadata has the address book of a life, as JSON.
func bookKey(g storage.Generation) string { return fmt.Sprintf("peers-%d", g) }

// addressBook remembers where peers were last known to be. A node that starts
// again has no map before it has heard a leader, and finds one only by address.
type addressBook struct {
	life    storage.Generation
	mu      sync.Mutex // guards the entries
	entries map[partition.NodeID]bookEntry
}

type bookEntry struct {
	Address     string                `json:"address"`
	Incarnation partition.Incarnation `json:"incarnation"` // that the address came with
}

// load reads the book that the store has.
func (b *addressBook) load(store *storage.Store) error {
	text, ok, err := store.Meta(bookKey(b.life))
	if err != nil || !ok {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := json.Unmarshal(text, &b.entries); err != nil {
		return fmt.Errorf("read the address book: %w", err)
	}
	return nil
}

func (b *addressBook) find(id partition.NodeID) (bookEntry, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.entries[id]
	return e, ok
}

// take replaces the book by the peers' addresses, but for those that it has from
// a later start of a peer. It returns what to store, or nil where nothing is new.
func (b *addressBook) take(peers []partition.Peer) map[string][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries := make(map[partition.NodeID]bookEntry, len(peers))
	for _, p := range peers {
		entries[p.ID] = b.entries[p.ID].later(p)
	}
	return b.setLocked(entries)
}

// learn is take for peers beside whom there are others.
func (b *addressBook) learn(peers []partition.Peer) map[string][]byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	entries := make(map[partition.NodeID]bookEntry, len(peers))
	maps.Copy(entries, b.entries)
	for _, p := range peers {
		entries[p.ID] = entries[p.ID].later(p)
	}
	return b.setLocked(entries)
}

// later returns e, or what p says where that is from the same start or a later one.
func (e bookEntry) later(p partition.Peer) bookEntry {
	if e.Incarnation > p.Incarnation {
		return e
	}
	return bookEntry{Address: p.Address, Incarnation: p.Incarnation}
}

func (b *addressBook) setLocked(entries map[partition.NodeID]bookEntry) map[string][]byte {
	if maps.Equal(b.entries, entries) {
		return nil
	}
	b.entries = entries
	text, err := json.Marshal(entries)
	if err != nil {
		panic(fmt.Sprintf("address book %v has no JSON form: %v", entries, err))
	}
	return map[string][]byte{bookKey(b.life): text}
}

// peers returns whom the book has.
func (b *addressBook) peers() []partition.Peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	var peers []partition.Peer
	for id, e := range b.entries {
		peers = append(peers, partition.Peer{ID: id, Address: e.Address, Incarnation: e.Incarnation})
	}
	return peers
}

// resolve tells the transport where a peer is: by the map, else by the book.
func (l *life) resolve(id partition.NodeID) (address string, inc partition.Incarnation, ok bool) {
	e, ok := l.book.find(id)
	address, inc = e.Address, e.Incarnation
	raft := l.raft.Load()
	if raft == nil {
		return address, inc, ok
	}
	if m := raft.Map(); m != nil {
		if p, known := m.Peer(id); known && (!ok || p.Incarnation >= inc) {
			return p.Address, p.Incarnation, true
		}
	}
	return address, inc, ok
}

// others returns the peers beside the life's own that are worth asking, with id
// and address: of the map those that are not down or leaving; of the book all,
// while there is no map.
func (l *life) others() []partition.Peer {
	return slices.DeleteFunc(l.allOthers(), func(p partition.Peer) bool { return p.State != partition.Active })
}

// allOthers is others with those that are down or leaving, which come last.
func (l *life) allOthers() []partition.Peer {
	var peers []partition.Peer
	if m := l.raft.Load().Map(); m != nil {
		peers = slices.Clone(m.Peers)
		for i := range peers {
			peers[i].Address, _, _ = l.resolve(peers[i].ID)
		}
	} else {
		peers = l.book.peers()
	}
	slices.SortStableFunc(peers, func(a, b partition.Peer) int { return cmp.Compare(a.State, b.State) })
	return slices.DeleteFunc(peers, func(p partition.Peer) bool { return p.ID == l.record.Node })
}

// keepBook stores the map's addresses whenever they change, until the life ends.
// A map from before a restart may be older than the book: it waits for one that
// has this start.
func (l *life) keepBook() {
	for {
		changed := l.raft.Load().Watch()
		if l.up() {
			l.storeBook(l.book.take(l.raft.Load().Map().Peers))
		}
		select {
		case <-changed:
		case <-l.ctx.Done():
			return
		}
	}
}

func (l *life) storeBook(meta map[string][]byte) {
	if meta == nil {
		return
	}
	if err := l.cfg.store.SetMeta(meta); err != nil {
		l.cfg.fatal(fmt.Errorf("store the peers' addresses: %w", err))
	}
}

// askAround asks every peer where the others are: of voters that all started
// again at new addresses none could find another by itself. It reports whether a
// former one said that the cluster was given up, and recovered without this node.
func (l *life) askAround(ctx context.Context) (recovered bool) {
	for _, p := range l.allOthers() {
		one, cancel := context.WithTimeout(ctx, askTimeout)
		w, err := l.whois(one, p.Address)
		cancel()
		switch {
		case err != nil:
		case w.Cluster == l.record.Cluster:
			l.storeBook(l.book.learn(w.Peers))
		case slices.Contains(w.Recovered, l.record.Cluster):
			return true
		}
	}
	return false
}
