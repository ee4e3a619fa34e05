package replica

import (
	"slices"
	"time"

	"pipelinedht/partition"
)

// simNode is a process with its disk and its clock.
type simNode struct {
	w    *world
	id   partition.NodeID
	disk map[partition.ID]*diskCopy
	inc  partition.Incarnation

	core         *Node // nil while crashed
	life         int   // counts starts, to recognise events of an earlier one
	dead         bool  // never comes back
	offset       time.Duration
	rate         float64
	pausedUntil  time.Duration
	raftCutUntil time.Duration
	mapIndex     int // into authority.maps
	learning     bool
	storing      bool
	later        []Write       // chunks that give way, and what comes behind them
	lag          time.Duration // that every batch takes besides
	views        map[uint64]*simView
	waiting      map[Ticket]func(Answer)
	lastTicket   Ticket
}

// clock returns the node's own time: it starts somewhere and runs a little fast
// or slow.
func (n *simNode) clock() time.Duration {
	return n.offset + time.Duration(float64(n.w.now)*n.rate)
}

func (n *simNode) config() Config {
	cfg := Normal(n.id, n.inc)
	cfg.LogRecords, cfg.WindowBytes, cfg.Transfers, cfg.PeerBytes = 8, 600, 2, 200
	if n.w.seed%2 == 0 { // slow copies are soon dropped, and soon let back
		cfg.Stuck, cfg.SlowAck, cfg.Slow, cfg.SlowPause = 2*time.Second, 50*time.Millisecond, 200*time.Millisecond, 100*time.Millisecond
	}
	return cfg
}

func (n *simNode) start() {
	n.inc++
	n.life++
	n.w.logf("node %d starts, incarnation %d", n.id, n.inc)
	n.w.damage(n)
	positions := map[partition.ID]partition.Position{}
	for id, d := range n.disk {
		positions[id] = d.position()
	}
	n.core = New(n.config(), positions, n.clock())
	n.views = map[uint64]*simView{}
	n.waiting = map[Ticket]func(Answer){}
	n.storing, n.learning, n.later = false, false, nil
	n.mapIndex = n.w.rng.IntN(n.mapIndex + 1) // Raft may replay from a snapshot
	life := n.life
	n.w.after(0, func() { n.tick(life) })
	n.proposeUp(life)
	n.learn()
}

// proposeUp repeats PeerUp until the authority has it.
func (n *simNode) proposeUp(life int) {
	n.w.after(time.Duration(1+n.w.rng.IntN(100))*time.Millisecond, func() {
		if n.life != life || n.core == nil {
			return
		}
		if !n.w.law.reaches(n) || !n.w.law.peerUp(n.id, n.inc) {
			n.proposeUp(life)
		}
	})
}

func (n *simNode) crash() {
	if n.core == nil {
		return
	}
	n.w.logf("node %d crashes", n.id)
	n.core = nil
	n.life++
	for _, f := range n.waiting {
		f(Answer{Err: partition.ErrUnknown})
	}
	n.waiting = nil
	n.w.after(time.Duration(n.w.rng.IntN(5000))*time.Millisecond, func() {
		if n.core == nil && !n.dead {
			n.start()
		}
	})
}

// stop has the node withdraw, and ends it when it has, or when patience is over.
func (n *simNode) stop(patience time.Duration) {
	if n.core == nil {
		return
	}
	n.w.logf("node %d is to stop", n.id)
	n.input(n.core.Withdraw)
	life, until := n.life, n.w.now+patience
	var look func()
	look = func() {
		switch {
		case n.life != life:
		case n.w.now >= until || n.core.Withdrawn(n.clock()):
			n.crash()
		default:
			n.w.after(20*time.Millisecond, look)
		}
	}
	look()
}

func (n *simNode) tick(life int) {
	if n.life != life {
		return
	}
	n.whenAwake(func() {
		n.core.GiveWay(n.w.seed%3 == 1 || n.w.seed%3 == 2 && n.w.rng.IntN(2) == 0)
		n.input(n.core.Tick)
	})
	n.w.after(50*time.Millisecond, func() { n.tick(life) })
}

// whenAwake runs fn now, or when the node's pause is over, unless it has crashed
// by then.
func (n *simNode) whenAwake(fn func()) {
	life := n.life
	if n.core == nil {
		return
	}
	if n.w.now < n.pausedUntil {
		n.w.after(n.pausedUntil-n.w.now, func() {
			if n.life == life {
				fn()
			}
		})
		return
	}
	fn()
}

// input steps the core and does what it wants done.
func (n *simNode) input(step func(now time.Duration)) {
	if n.core == nil {
		return
	}
	step(n.clock())
	n.output()
}

func (n *simNode) output() {
	w, life := n.w, n.life
	r := n.core.Ready()
	if !n.core.up && len(r.Control)+len(r.Answers)+len(r.Changes) > 0 {
		w.truth.fail("invariant 10: node %d spoke before it was up", n.id)
	}
	for _, out := range r.Control {
		w.transmit(n, out)
	}
	for _, a := range r.Answers {
		if f := n.waiting[a.Ticket]; f != nil {
			delete(n.waiting, a.Ticket)
			f(a)
		}
	}
	for _, job := range r.Jobs {
		w.after(time.Duration(w.rng.IntN(3000))*time.Microsecond, func() {
			if n.life == life {
				n.whenAwake(func() { n.do(job) })
			}
		})
	}
	if len(r.Changes) > 0 {
		n.proposeChanges(life, r.Changes, false)
	}
	n.store()
}

// store runs the storing loop: one batch at a time.
func (n *simNode) store() {
	if n.storing || !n.core.HasBatch() && len(n.later) == 0 {
		return
	}
	w, life := n.w, n.life
	n.storing = true
	w.after(time.Duration(w.rng.IntN(200))*time.Microsecond, func() {
		if n.life != life {
			return
		}
		n.whenAwake(func() {
			b, _ := n.core.Batch()
			for _, out := range b.Messages {
				w.transmit(n, out)
			}
			writes := n.choose(b.Writes)
			took := time.Duration(100+w.rng.IntN(3000)) * time.Microsecond
			if !w.calm && w.rng.Float64() < w.faulty.stall {
				took = time.Duration(w.rng.IntN(2000)) * time.Millisecond
			}
			took += n.lag
			durable := time.Duration(w.rng.Float64() * float64(took))
			// The disk has it some time before the process is told.
			w.after(durable, func() {
				if n.life == life || n.core == nil && w.rng.IntN(2) == 0 {
					n.commit(writes)
				}
			})
			w.after(took, func() {
				if n.life == life {
					n.whenAwake(func() {
						n.storing = false
						n.input(func(now time.Duration) {
							n.core.Stored(writes, now)
							n.core.Recycle(b)
						})
					})
				}
			})
		})
	})
}

// choose returns those of the writes so far that are stored now: chunks that give way
// may wait, and then all of their partition does.
func (n *simNode) choose(writes []Write) (now []Write) {
	all := slices.Concat(n.later, writes)
	n.later = nil
	waits := map[partition.ID]bool{}
	for _, wr := range all {
		if waits[wr.Partition] || wr.Gentle() && n.w.rng.IntN(2) == 0 {
			waits[wr.Partition] = true
			n.later = append(n.later, wr)
		} else {
			now = append(now, wr)
		}
	}
	return now
}

// proposeChanges sends changes to Raft until they were applied there once, and
// tells the core when this node has applied what came of them.
func (n *simNode) proposeChanges(life int, changes []partition.Change, applied bool) {
	w := n.w
	w.after(time.Duration(1+w.rng.IntN(30))*time.Millisecond, func() {
		if n.life != life {
			// The node is gone; its proposal may still arrive, but not to make a
			// copy that was damaged meanwhile the only one.
			if !applied && w.rng.IntN(2) == 0 && !n.damaged() {
				w.law.change(n.id, n.incAt(life), changes)
			}
			return
		}
		if !w.law.reaches(n) || !w.calm && w.rng.Float64() < w.faulty.lost {
			again := time.Duration(w.rng.IntN(1000)) * time.Millisecond
			w.after(again, func() { n.proposeChanges(life, changes, applied) })
			return
		}
		w.law.change(n.id, n.inc, changes)
		at := len(w.law.maps) - 1
		n.resolveAt(life, at)
	})
}

func (n *simNode) damaged() bool {
	for _, d := range n.disk {
		if d.damaged {
			return true
		}
	}
	return false
}

// incAt returns the incarnation that the node had in an earlier life.
func (n *simNode) incAt(life int) partition.Incarnation {
	return partition.Incarnation((life + 1) / 2)
}

func (n *simNode) resolveAt(life, index int) {
	n.w.after(time.Duration(1+n.w.rng.IntN(20))*time.Millisecond, func() {
		switch {
		case n.life != life:
		case n.mapIndex < index:
			n.resolveAt(life, index)
		default:
			n.whenAwake(func() { n.input(n.core.Resolved) })
		}
	})
}

// learn brings newer maps to the node, in order, sometimes several at once.
func (n *simNode) learn() {
	w := n.w
	if n.learning || n.core == nil {
		return
	}
	n.learning = true
	life := n.life
	delay := time.Duration(1+w.rng.IntN(20)) * time.Millisecond
	if !w.calm && w.rng.IntN(10) == 0 {
		delay = time.Duration(w.rng.IntN(3000)) * time.Millisecond
	}
	w.after(delay, func() {
		if n.life != life {
			return
		}
		n.whenAwake(func() {
			n.learning = false
			if latest := len(w.law.maps) - 1; n.mapIndex < latest || n.core.m == nil {
				if w.law.reaches(n) {
					n.mapIndex = min(latest, n.mapIndex+1+w.rng.IntN(3))
					n.input(func(now time.Duration) { n.core.SetMap(w.law.maps[n.mapIndex], now) })
				}
			}
			n.learn()
		})
	})
}
