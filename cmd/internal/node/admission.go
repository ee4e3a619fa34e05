package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
	"pipelinedht/transport"
)

const (
	// askPause is about how long a joiner waits before it asks the next contact.
	askPause = 200 * time.Millisecond
	// addPatience is how long a joiner that was told nothing certain asks to be
	// added; from then on it asks never to be added.
	addPatience = 8 * time.Second
	// admissionTimeout is how long a joiner waits for a certain answer, and then
	// again for its own map to say so, before it looks whether it may give up. Its
	// requests wait as long.
	admissionTimeout = 15 * time.Second
	// fateInterval is how often a joiner that was heard of asks whether it has
	// been dropped again.
	fateInterval = 2 * time.Second
)

// Errors of admission, for the user.
var (
	errTargetSilent = fmt.Errorf("%w: the cluster to join has stopped answering; this node stays as it was (where it was added already, it is dropped again by itself)", partition.ErrUnavailable)
	errTargetDrops  = fmt.Errorf("%w: the cluster to join has dropped this node again; it stays as it was", partition.ErrUnavailable)
)

// admission has the target add the new life's node, and returns nil once that
// life has seen itself in the map. Any error but ctx's says that the new id has
// never voted nor acknowledged anything, and never will: it is for the ash heap.
func (n *Node) admission(ctx context.Context, old, fresh *life, intent joinIntent) error {
	ctx, cancel := context.WithCancel(ctx)
	asking, stop := context.WithTimeout(ctx, admissionTimeout)
	seen := make(chan struct{}) // closed once fresh sees itself, or ctx has ended
	go func() {
		defer stop()
		defer close(seen)
		fresh.await(ctx, func(*partition.Map) bool { return fresh.member() })
	}()
	defer func() {
		cancel()
		<-seen
	}()
	why := n.ask(asking, old, intent)
	wait := time.After(0)
	if why == nil {
		wait = time.After(admissionTimeout)
	}
	if why == nil || asking.Err() != nil {
		why = errTargetSilent
	}
	for {
		select {
		case <-seen:
		case <-wait:
		}
		switch {
		case fresh.member():
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case fresh.raft.Load().Status().LastIndex == 0:
			// Raft's first entry comes after AddPeer: before it nothing was said.
			return why
		}
		if fresh.dropped(ctx) {
			return errTargetDrops
		}
		wait = time.After(fateInterval)
	}
}

// ask asks one contact after the other to add the node. Nil: it was added. Any
// other error but ctx's: it never will be, or nobody is left to ask.
func (n *Node) ask(ctx context.Context, old *life, intent joinIntent) error {
	asker := newAsker(intent)
	for i := 0; ; i++ {
		address := intent.Contacts[i%len(intent.Contacts)]
		a, err := old.visit(ctx, address, asker.question())
		if known, verdict := asker.take(address, a, err); known {
			return verdict
		}
		if err := pause(ctx, askPause); err != nil {
			return err
		}
	}
}

// asker decides what a joiner asks next, by the answers so far.
type asker struct {
	intent joinIntent
	begun  time.Time
	// doubt: an add that was asked for may still come to pass.
	doubt bool
	// why the node is not to be added any more; nil while it is.
	why   error
	moved map[string]bool // contacts that are not of the cluster any more
}

func newAsker(intent joinIntent) *asker {
	return &asker{
		intent: intent,
		begun:  time.Now(),
		// A former start of the process may have asked.
		doubt: intent.Life.Incarnation > 1,
		moved: make(map[string]bool),
	}
}

// question returns what to ask.
func (k *asker) question() question {
	if k.why == nil && k.doubt && time.Since(k.begun) > addPatience {
		k.why = errTargetSilent
	}
	q := question{Ask: askAdd, Cluster: k.intent.Life.Cluster, JoinID: k.intent.ID}
	if k.why != nil {
		q.Ask = askAbort
		return q
	}
	q.Stamp = k.intent.Stamp
	q.Peer = &partition.Peer{ID: k.intent.Life.Node, Name: k.intent.Name, Address: k.intent.Address}
	return q
}

// take judges the answer to question. known: there is a verdict, nil if the node
// was added, else why it never will be or cannot be found out.
func (k *asker) take(address string, a answer, err error) (known bool, verdict error) {
	adding := k.why == nil
	if err != nil {
		k.doubt = k.doubt || adding && !errors.Is(err, transport.ErrNotSent)
		return false, nil
	}
	delete(k.moved, address)
	switch a.Result {
	case resultDone:
		return true, k.why
	case resultAdded:
		return true, nil
	case resultAborted:
		if adding {
			k.why = errTargetDrops
		}
		return true, k.why
	case resultRefused:
		return k.giveUp(fmt.Errorf("%w: %s: %s", httpapi.ErrConflict, address, a.Text))
	case resultDeparting:
		return k.giveUp(errMoving)
	case resultMoved:
		k.moved[address] = true
		return len(k.moved) == len(k.intent.Contacts), errMoving
	default:
		k.doubt = k.doubt || adding
	}
	return false, nil
}

// giveUp ends the asking for reason why: at once where nothing asked for can
// still come to pass, else when that has been aborted.
func (k *asker) giveUp(why error) (known bool, verdict error) {
	if k.why == nil {
		k.why = why
	}
	return !k.doubt, k.why
}
