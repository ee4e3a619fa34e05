package fsm

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

const (
	// downAfter is the silence after which a peer that was heard is down.
	downAfter = 3 * time.Second
	// startGrace is how long after its own start a leader does not take for down
	// what it never heard: that may be starting at the same time. One that has
	// followed another leader before has been started by itself.
	startGrace = 10 * time.Second
	// missedAfter is the same for a peer that a partition is below its minimum for
	// want of: writes wait for a copy elsewhere, which begins with that word.
	missedAfter = backWithin
	// backWithin is how fresh a sign of life must be for a peer to be back.
	backWithin = time.Second
)

// sighting is what a leader knows of one peer.
type sighting struct {
	heard bool          // in this reign
	quiet time.Duration // since it was heard, or since the leader first looked for it
	grace time.Duration // how long it may be quiet
}

// silent reports whether a peer has not been heard for so long that it is down.
func (s sighting) silent() bool { return s.quiet >= s.grace }

// diagnose returns the command that brings the map's word on a peer in line with
// what was seen of it, nil if it is.
func diagnose(p partition.Peer, s sighting, replaceAfter time.Duration, holdsCopy func(partition.NodeID) bool) command {
	say := func(t turn) command { return &peerState{id: p.ID, incarnation: p.Incarnation, turn: t} }
	back := s.heard && s.quiet < backWithin
	switch p.State {
	case partition.Active:
		if s.silent() {
			return say(turnDown)
		}
	case partition.Leaving:
		switch {
		case p.Silent && back:
			return say(turnBack)
		case !p.Silent && s.silent():
			return say(turnDown)
		}
	case partition.Down, partition.Replaced:
		switch {
		case back:
			return say(turnBack)
		case s.quiet < replaceAfter:
			return nil
		case !s.heard && p.Incarnation == 1 && p.Importing && !holdsCopy(p.ID):
			return &removePeer{id: p.ID} // it was added and never came up
		case p.State == partition.Down:
			return say(turnReplaced)
		}
	}
	return nil
}

// missed reports whether a partition is below its minimum in-sync and the peer should
// have a copy that would count. So its copies' primaries, too, have found it silent.
func missed(m *partition.Map, id partition.NodeID) bool {
	return slices.ContainsFunc(m.Table, func(r partition.Row) bool {
		return len(r.InSync) < r.MinInSync && slices.Contains(r.Target, id) && !slices.Contains(r.InSync, id)
	})
}

// holdsInSync reports whether the peer is in any in-sync set.
func holdsInSync(m *partition.Map, id partition.NodeID) bool {
	return slices.ContainsFunc(m.Table, func(r partition.Row) bool { return slices.Contains(r.InSync, id) })
}

// reign is one time that this node leads, and what it has seen in it.
type reign struct {
	since    time.Time
	starting time.Duration                  // how long a peer that it has not heard may be starting
	lookedAt map[partition.NodeID]time.Time // when each peer was first looked for
	// silentAt is when a leaving peer was first seen to be known as silent.
	silentAt map[partition.NodeID]time.Time
	contacts *contacts
}

// newReign begins a reign of a node that was started before. Where the cluster ran
// before it, nobody is given the time of a start.
func newReign(c *contacts, started time.Time, ran bool, now time.Time) *reign {
	starting := startGrace - now.Sub(started)
	if ran {
		starting = 0
	}
	return &reign{
		since:    now,
		starting: starting,
		lookedAt: make(map[partition.NodeID]time.Time),
		silentAt: make(map[partition.NodeID]time.Time),
		contacts: c,
	}
}

// sight returns what is known of a peer.
func (g *reign) sight(id partition.NodeID, now time.Time) sighting {
	first, ok := g.lookedAt[id]
	if !ok {
		first = now
		g.lookedAt[id] = now
	}
	if at, _ := g.contacts.last(serverID(id)); at.After(g.since) {
		return sighting{heard: true, quiet: now.Sub(at), grace: downAfter}
	}
	return sighting{quiet: now.Sub(first), grace: max(downAfter, g.starting)}
}

// urgent is a sighting of a peer that is missed.
func (g *reign) urgent(s sighting) sighting {
	s.grace = missedAfter
	if !s.heard {
		s.grace = max(missedAfter, g.starting)
	}
	return s
}

// word is sight for what the map should say of the peer. One that is known to be
// silent, since another node has its name or address, must be heard after that.
func (g *reign) word(p partition.Peer, now time.Time) sighting {
	s := g.sight(p.ID, now)
	if !p.Silent {
		delete(g.silentAt, p.ID)
		return s
	}
	since, ok := g.silentAt[p.ID]
	if !ok {
		since = now
		g.silentAt[p.ID] = now
	}
	if at, _ := g.contacts.last(serverID(p.ID)); !at.After(since) {
		return sighting{quiet: now.Sub(since), grace: s.grace}
	}
	return s
}

// live gives a peer that was not heard yet the benefit of the doubt.
func (g *reign) live(id partition.NodeID, now time.Time) bool {
	return g.sight(id, now).quiet < downAfter
}

// ready reports whether the peer's log reaches to within slack entries of last, and
// has any: as long as it has none, who joins may go back to where it was for ever.
func (g *reign) ready(id partition.NodeID, last uint64, now time.Time) bool {
	at, lastLog := g.contacts.last(serverID(id))
	return at.After(g.since) && now.Sub(at) < backWithin && lastLog > 0 && lastLog+readySlack >= last
}

// readySlack is how many entries a server may be behind and still be promoted.
const readySlack = 16
