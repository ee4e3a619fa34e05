package fsm

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// contacts is what this node, as leader, has heard of the others: when, and how
// far their logs reach. Raft knows both and tells neither.
type contacts struct {
	mu sync.Mutex // guards of
	of map[raft.ServerID]*contact
}

type contact struct {
	at      time.Time // of the last reply
	lastLog uint64    // in it: index of the last entry in that node's log
	heard   signal    // at each reply
	took    time.Time // the last append that was no heartbeat
	heir    time.Time // when it was last to be handed the leadership
}

func newContacts() *contacts { return &contacts{of: make(map[raft.ServerID]*contact)} }

// getLocked returns the entry of a server, made if need be. There is one for each
// server ever spoken to in this life of the node.
func (c *contacts) getLocked(id raft.ServerID) *contact {
	k := c.of[id]
	if k == nil {
		k = &contact{}
		c.of[id] = k
	}
	return k
}

func (c *contacts) hear(id raft.ServerID, lastLog uint64, heartbeat bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.getLocked(id)
	k.at, k.lastLog = time.Now(), lastLog
	if !heartbeat {
		k.took = k.at
	}
	k.heard.fire()
}

// mayInherit reports whether the server has taken an append since it was last to be
// handed the leadership. To hand over, Raft (v1.7.3) has its replication to the server
// bring that up to date; told so a second time while the replication still waits for
// an answer, it takes no proposals before there is one, and none ever again, in whatever
// term it leads, if it was deposed meanwhile (hashicorp/raft issue 696).
func (c *contacts) mayInherit(id raft.ServerID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.getLocked(id)
	return k.took.After(k.heir)
}

// inherits notes that the server is to be handed the leadership now, unless it may
// not be.
func (c *contacts) inherits(id raft.ServerID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.getLocked(id)
	if !k.took.After(k.heir) {
		return false
	}
	k.heir = time.Now()
	return true
}

// last returns when the server last replied, zero if never, and its last index.
func (c *contacts) last(id raft.ServerID) (at time.Time, lastLog uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.of[id]; k != nil {
		return k.at, k.lastLog
	}
	return time.Time{}, 0
}

// next returns a channel that is closed when the server next replies.
func (c *contacts) next(id raft.ServerID) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.getLocked(id).heard.next()
}
