package replica

import (
	"fmt"
	"slices"
	"time"

	"pipelinedht/partition"
)

// A node whose disk is nearly full takes no part in what makes it fuller: it hands
// its primaries over, is left out of the in-sync sets as far as their minimum
// allows, and is fed nothing. That it is full travels in its beacons and grants.
// Where it is needed it stays, answers reads and takes deletes, but no new values:
// its reserve is for what is under way, and for making room.

// SetFull says whether this node's disk is nearly full. The caller sees to it that
// this does not change often.
func (n *Node) SetFull(full bool, now time.Duration) {
	n.goOn(now)
	if n.full == full {
		return
	}
	n.full = full
	n.sendBeacons()
	for _, c := range n.copies {
		if c != nil && c.lead != nil {
			n.reshape(c)
		}
	}
}

// room returns an error if a write must not be taken for want of disk space.
func (n *Node) room(c *replica, op *partition.Op) error {
	if op.Kind == partition.OpDelete || op.Kind == partition.OpSweep {
		return nil
	}
	if n.full {
		if slices.ContainsFunc(c.row.InSync, func(id partition.NodeID) bool { return n.heir(c, id) }) {
			return fmt.Errorf("%w: partition %d moves off a full disk", partition.ErrUnavailable, c.id)
		}
		return fmt.Errorf("%w of the primary: delete keys there, or give it more space or another node", partition.ErrNoSpace)
	}
	roomy := len(c.row.InSync)
	for _, f := range c.lead.followers {
		if f.full && slices.Contains(c.row.InSync, f.id) {
			roomy--
		}
	}
	if roomy < c.row.MinInSync {
		return fmt.Errorf("%w: %d copies of partition %d have room, a write needs %d; give their nodes more space",
			partition.ErrNoSpace, roomy, c.id, c.row.MinInSync)
	}
	return nil
}

// rest has a follower that is full, and that no write waits for, fed nothing. It
// is asked anew once it has space.
func (n *Node) rest(f *follower) {
	n.stopTransfer(f)
	n.landAll(f)
	f.stage, f.known, f.asked, f.since = probing, false, n.now, 0
}

// resting reports whether a follower is to be fed nothing.
func (l *lead) resting(f *follower) bool { return f.full && !slices.Contains(l.must, f) }
