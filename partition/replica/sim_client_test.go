package replica

import (
	"errors"
	"fmt"
	"time"

	"pipelinedht/partition"
)

// simClient does one operation after another, each sent and repeated as a router
// would, with stragglers.
type simClient struct {
	w     *world
	id    int
	floor [simPartitions]partition.Seq
	seen  map[string]partition.Stamp
	call  *simCall
}

// simCall is one operation from its call to its end.
type simCall struct {
	client    *simClient
	op        partition.Op
	read      bool
	partition partition.ID
	began     time.Duration
	deadline  time.Duration
	ambiguous bool
	over      bool
	ids       []partition.OpID // all it was ever sent under
	// version of the map that the latest attempt went by: the one node that repeats
	// an operation does not go back to an older one.
	version partition.Version
}

func (c *simClient) next() {
	w := c.w
	if w.quiet {
		return
	}
	if w.now < w.quietUntil {
		w.after(w.quietUntil-w.now, c.next)
		return
	}
	if c.seen == nil {
		c.seen = map[string]partition.Stamp{}
	}
	id := partition.ID(w.rng.IntN(simPartitions))
	key := w.truth.keys[id][w.rng.IntN(simKeys)]
	call := &simCall{client: c, partition: id, began: w.now, deadline: w.now + 4*time.Second}
	call.op = partition.Op{Key: []byte(key), Kind: partition.OpPut}
	switch w.rng.IntN(10) {
	case 0, 1, 2:
		call.read = true
	case 3:
		call.op.Kind = partition.OpDelete
	case 4:
		call.op.Condition.IfAbsent = true
	case 5:
		call.op.Condition.IfStamp = []partition.Stamp{c.seen[key]}
	case 6:
		call.op.Kind = partition.OpImport
		if w.rng.IntN(3) == 0 {
			call.op.Kind = partition.OpImportDelete
		}
		// Among the stamps that the partition has given, or before them.
		call.op.Stamp = c.seen[key] + partition.Stamp(w.rng.IntN(1000)) - 500
		if call.op.Stamp > 1<<62 || call.op.Stamp == 0 {
			call.op.Stamp = partition.Stamp(w.nextOp + 1)
		}
	case 7:
		call.op.Kind = partition.OpSweep
	}
	call.op.Value = fmt.Appendf(nil, "%d", w.nextOp)
	call.mint(c.floor[id])
	c.call = call
	call.attempt()
}

// mint gives the operation a new id.
func (k *simCall) mint(floor partition.Seq) {
	k.client.w.nextOp++
	k.op.ID = partition.OpID{Node: partition.NodeID(1000 + k.client.id), Incarnation: 1, Counter: k.client.w.nextOp}
	if k.op.Kind == partition.OpImport || k.op.Kind == partition.OpImportDelete {
		k.op.ID.Node = k.client.w.law.latest().Peers[0].ID // which only peers may bring
	}
	k.op.Attempt, k.op.Floor, k.op.Renamed = 0, floor, k.client.w.rng.IntN(2) == 0 // which is advice
	k.ids = append(k.ids, k.op.ID)
}

// attempt sends the operation to whom some node takes for the primary.
func (k *simCall) attempt() {
	w := k.client.w
	if k.over {
		return
	}
	if w.now >= k.deadline {
		k.giveUp()
		return
	}
	via := w.nodes[w.rng.IntN(len(w.nodes))]
	if via.core == nil || via.core.m == nil || via.core.m.Version < k.version {
		w.after(50*time.Millisecond, k.attempt)
		return
	}
	k.version = via.core.m.Version
	row := via.core.m.Table[k.partition]
	to := w.node(row.Primary)
	k.op.Attempt++
	op := k.op
	op.Term = row.Term
	answered := false
	done := func(out partition.Outcome, rec partition.KeyState, err error) {
		if !answered {
			answered = true
			k.end(out, rec, err, op.ID)
		}
	}
	delay := time.Duration(20+w.rng.IntN(2000)) * time.Microsecond
	if !w.calm && w.rng.Float64() < w.faulty.slow/2 {
		delay += time.Duration(w.rng.IntN(2500)) * time.Millisecond
	}
	w.after(delay, func() {
		if to.core == nil {
			return // the connection breaks: the time-out below
		}
		to.whenAwake(func() {
			if k.read {
				to.get(k.partition, row.Term, k.op.Key, done)
			} else {
				to.put(op, done)
			}
		})
	})
	w.after(time.Duration(300+w.rng.IntN(500))*time.Millisecond, func() {
		if !answered {
			answered = true
			k.end(partition.Outcome{}, partition.KeyState{}, partition.ErrUnknown, op.ID)
		}
	})
}

// end takes one attempt's answer.
func (k *simCall) end(out partition.Outcome, rec partition.KeyState, err error, id partition.OpID) {
	w := k.client.w
	if k.over || id != k.op.ID {
		return
	}
	switch {
	case err == nil:
		k.over = true
		w.observe()
		if k.read {
			w.truth.checkRead(w, k, rec.Found && !rec.Tombstone, rec.Stamp)
			k.client.seen[string(k.op.Key)] = rec.Stamp
		} else {
			k.client.floor[k.partition] = max(k.client.floor[k.partition], out.Commit)
			w.truth.checkWrite(w, k, out)
		}
		k.rest()
		return
	case errors.Is(err, partition.ErrUnknown):
		k.ambiguous = true
	case errors.Is(err, partition.ErrFloor):
		if k.ambiguous {
			k.giveUp()
			return
		}
		k.mint(out.Commit)
		k.op.Renamed = true
	}
	w.after(time.Duration(5+w.rng.IntN(100))*time.Millisecond, k.attempt)
}

func (k *simCall) giveUp() {
	k.over = true
	if !k.ambiguous && !k.read {
		for _, id := range k.ids {
			k.client.w.truth.never[id] = true
		}
	}
	k.rest()
}

func (k *simCall) rest() {
	k.client.w.after(time.Duration(k.client.w.rng.IntN(60))*time.Millisecond, k.client.next)
}

func (n *simNode) ticket(done func(partition.Outcome, partition.KeyState, error)) Ticket {
	n.lastTicket++
	n.waiting[n.lastTicket] = func(a Answer) { done(a.Outcome, a.Record, a.Err) }
	return n.lastTicket
}

// put proposes, looking at the store where the core wants it.
func (n *simNode) put(op partition.Op, done func(partition.Outcome, partition.KeyState, error)) {
	n.propose(op, Seen{}, done)
}

func (n *simNode) propose(op partition.Op, seen Seen, done func(partition.Outcome, partition.KeyState, error)) {
	t := n.ticket(done)
	var accepted bool
	var out partition.Outcome
	var err error
	n.input(func(now time.Duration) {
		accepted, out, err = n.core.Propose(t, &op, seen, now, partition.Stamp(n.clock()/time.Microsecond))
	})
	if accepted {
		return
	}
	delete(n.waiting, t)
	if !errors.Is(err, ErrLook) {
		done(out, partition.KeyState{}, err)
		return
	}
	id := partition.Of(op.Key, simPartitions)
	if n.unreadable(id) {
		done(partition.Outcome{}, partition.KeyState{}, partition.ErrUnavailable)
		return
	}
	look := Seen{Looked: true, At: n.core.Applied(id)}
	if d := n.disk[id]; d != nil {
		look.Record, look.Found = d.data[string(op.Key)]
	}
	life := n.life
	n.w.after(time.Duration(n.w.rng.IntN(3000))*time.Microsecond, func() {
		if n.life == life {
			n.whenAwake(func() { n.propose(op, look, done) })
		}
	})
}

// get reads the store and then has the core check.
func (n *simNode) get(id partition.ID, term partition.Term, key []byte, done func(partition.Outcome, partition.KeyState, error)) {
	if n.core.m == nil || n.core.m.Table[id].Primary != n.id || n.core.m.Table[id].Term != term {
		done(partition.Outcome{}, partition.KeyState{}, partition.ErrNotPrimary)
		return
	}
	if n.unreadable(id) {
		done(partition.Outcome{}, partition.KeyState{}, partition.ErrUnavailable)
		return
	}
	state := partition.KeyState{Key: key}
	if d := n.disk[id]; d != nil {
		state.Record, state.Found = d.data[string(key)]
	}
	life := n.life
	n.w.after(time.Duration(n.w.rng.IntN(3000))*time.Microsecond, func() {
		if n.life != life {
			return
		}
		n.whenAwake(func() {
			err := n.core.CheckRead(id, term, key, n.clock())
			if errors.Is(err, ErrPending) {
				t := n.ticket(done)
				if err = n.core.AwaitRead(t, id, term, key, n.clock()); err == nil {
					return
				}
				delete(n.waiting, t)
			}
			done(partition.Outcome{}, state, err)
		})
	})
}
