package transport

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"pipelinedht/partition"
)

// maxPeers is how many nodes a Transport remembers. Beyond it those without a
// connection are forgotten.
const maxPeers = 4096

// peer is another node: what it said of itself and the connections with it.
type peer struct {
	id    partition.NodeID
	links [lanes]link // dialled by this node

	// Guarded by peerTable.mu.
	heard Identity       // the newest incarnation's; zero: nothing heard
	in    [lanes]inbound // dialled by the peer
	raft  []*raftStream  // dialled by the peer
}

// inbound is the place of the one connection that a peer dialled for a lane.
type inbound struct {
	conn   *conn  // nil: none
	serial uint64 // of the newest dial of the incarnation heard
}

// peerTable finds peers. Looking one up takes no lock.
type peerTable struct {
	all atomic.Pointer[map[partition.NodeID]*peer] // never edited, replaced
	mu  sync.Mutex                                 // held while all is replaced
}

// peer returns the peer with that id, new if need be.
func (p *peerTable) peer(id partition.NodeID, t *Transport) *peer {
	if found := p.known(id); found != nil {
		return found
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.peerLocked(id, t)
}

// known returns the peer with that id or nil.
func (p *peerTable) known(id partition.NodeID) *peer {
	if all := p.all.Load(); all != nil {
		return (*all)[id]
	}
	return nil
}

func (p *peerTable) peerLocked(id partition.NodeID, t *Transport) *peer {
	if found := p.known(id); found != nil {
		return found
	}
	all := make(map[partition.NodeID]*peer)
	if old := p.all.Load(); old != nil {
		maps.Copy(all, *old)
	}
	if len(all) >= maxPeers {
		maps.DeleteFunc(all, func(_ partition.NodeID, q *peer) bool { return !q.connectedLocked() })
	}
	made := &peer{id: id}
	for lane := range made.links {
		made.links[lane] = link{t: t, peer: id, kind: streamKind(lane)}
	}
	all[id] = made
	p.all.Store(&all)
	return made
}

func (p *peer) connectedLocked() bool {
	for lane := range lanes {
		if p.in[lane].conn != nil || p.links[lane].busy() {
			return true
		}
	}
	return len(p.raft) > 0
}

// hear takes in what a peer said of itself in a handshake. It returns the
// connections that belong to an earlier incarnation, to be closed; ok is false
// if the peer itself is the earlier one.
func (p *peerTable) hear(id Identity, t *Transport) (stale []closer, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.peerLocked(id.Node, t)
	if id.Incarnation < q.heard.Incarnation {
		return nil, false
	}
	if id.Incarnation > q.heard.Incarnation {
		for lane := range lanes {
			if c := q.in[lane].conn; c != nil {
				stale = append(stale, c)
			}
			if c := q.links[lane].conn.Load(); c != nil && c.remote.Incarnation < id.Incarnation {
				stale = append(stale, c)
			}
			q.in[lane].serial = 0
		}
		for _, s := range q.raft {
			stale = append(stale, s)
		}
	}
	q.heard = id
	return stale, true
}

// hurry has the links to a peer dialled at once where that is wanted.
func (p *peerTable) hurry(id partition.NodeID) {
	if q := p.known(id); q != nil {
		for lane := range q.links {
			q.links[lane].hurry()
		}
	}
}

// place puts a connection into the place of its lane if that is free, and
// returns the one that is in the way otherwise. ok is false if a newer one has
// been there.
func (p *peerTable) place(c *conn, serial uint64) (inTheWay *conn, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.peerLocked(c.remote.Node, c.t)
	at := &q.in[c.kind]
	if c.remote.Incarnation < q.heard.Incarnation || serial < at.serial {
		return nil, false
	}
	if at.conn != nil {
		return at.conn, true
	}
	at.conn, at.serial = c, serial
	return nil, true
}

// displace frees the place of a connection that is done.
func (p *peerTable) displace(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q := p.known(c.remote.Node); q != nil && q.in[c.kind].conn == c {
		q.in[c.kind].conn = nil
	}
}

// addRaft counts a stream that a peer dialled. It returns the one to be closed
// for it, if there are too many.
func (p *peerTable) addRaft(s *raftStream) (idlest *raftStream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := p.peerLocked(s.remote.Node, s.t)
	if len(q.raft) >= raftStreams {
		idlest = slices.MinFunc(q.raft, func(a, b *raftStream) int { return cmp.Compare(a.used.Load(), b.used.Load()) })
	}
	q.raft = append(q.raft, s)
	return idlest
}

func (p *peerTable) removeRaft(s *raftStream) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if q := p.known(s.remote.Node); q != nil {
		q.raft = slices.DeleteFunc(q.raft, func(o *raftStream) bool { return o == s })
	}
}

// Heard returns the address at which a peer said, in its latest handshake, that
// it can be reached, and the incarnation that said so.
func (t *Transport) Heard(peer partition.NodeID) (address string, inc partition.Incarnation, ok bool) {
	t.peers.mu.Lock()
	defer t.peers.mu.Unlock()
	q := t.peers.known(peer)
	if q == nil || q.heard.Address == "" {
		return "", 0, false
	}
	return q.heard.Address, q.heard.Incarnation, true
}

// address returns where to dial a peer: what was heard from it, unless the map
// knows a later incarnation.
func (t *Transport) address(peer partition.NodeID) (string, bool) {
	heard, heardInc, ok := t.Heard(peer)
	mapped, mappedInc, inMap := t.cfg.Resolve(peer)
	if inMap && (!ok || mappedInc > heardInc) {
		return mapped, true
	}
	return heard, ok
}
