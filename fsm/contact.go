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

func (c *contacts) hear(id raft.ServerID, lastLog uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.getLocked(id)
	k.at, k.lastLog = time.Now(), lastLog
	k.heard.fire()
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
