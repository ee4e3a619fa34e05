package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
	"pipelinedht/transport"
)

// target is a cluster that is to be joined, as one of its peers described it.
type target struct {
	who
	addresses []string // of its peers: the one that answered first, then the others
}

// errMember is returned by survey where there is nothing to be joined: a contact
// is of this node's own cluster.
var errMember = errors.New("already a member")

// errSelfJoin is an ErrJoin that trying again does not mend.
var errSelfJoin = fmt.Errorf("%w: a node cannot join itself; name another one", httpapi.ErrJoin)

// surveyPatience is how long contacts are asked again whose connection breaks: a
// node that changes clusters itself answers a moment later.
const surveyPatience = 2 * time.Second

// survey asks the contacts, in order, until one can be joined, and checks what
// can be checked before anything is given up.
func (n *Node) survey(ctx context.Context, l *life, contacts []httpapi.Contact) (*target, error) {
	for begun := time.Now(); ; {
		t, transient, err := n.surveyOnce(ctx, l, contacts)
		if !transient || time.Since(begun) > surveyPatience || pause(ctx, askPause) != nil {
			return t, err
		}
	}
}

// surveyOnce is one round of survey. transient: another may end otherwise.
func (n *Node) surveyOnce(ctx context.Context, l *life, contacts []httpapi.Contact) (t *target, transient bool, err error) {
	var silent []string
	self := false
	alone := standalone(l.raft.Load().Map(), l)
	for _, c := range contacts {
		w, err := l.whois(ctx, c.Address)
		switch {
		case ctx.Err() != nil:
			return nil, false, fmt.Errorf("%w: nothing has changed: %w", partition.ErrUnavailable, ctx.Err())
		case foreign(err):
			return nil, false, fmt.Errorf("%w: %w", httpapi.ErrConflict, err)
		case err != nil:
			transient = transient || !unreachable(err)
			silent = append(silent, err.Error())
			continue
		case w.Cluster == l.record.Cluster && w.Node == l.record.Node && alone:
			self = true
			continue
		case w.Cluster == l.record.Cluster && l.isGone():
			// Not left for that without a word: what the node has kept would not come along.
			return nil, false, fmt.Errorf("%w: %s", httpapi.ErrConflict, n.gate.standing())
		case w.Cluster == l.record.Cluster:
			return nil, false, errMember
		}
		if err := n.check(w); err != nil {
			return nil, false, err
		}
		return &target{who: *w, addresses: addresses(c.Address, w.Peers)}, false, nil
	}
	if self && silent == nil {
		return nil, false, errSelfJoin
	}
	if self {
		silent = append(silent, "and the node itself, which cannot join itself")
	}
	return nil, transient, fmt.Errorf("%w: no node of the list can be joined, nothing has changed: %s",
		partition.ErrUnavailable, strings.Join(silent, "; "))
}

// unreachable reports whether nobody listens at the address that err is about.
func unreachable(err error) bool {
	var dns *net.DNSError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.As(err, &dns)
}

// foreign reports whether err is the word of a node that this one cannot talk to:
// it has another secret or another protocol.
func foreign(err error) bool {
	var refusal *transport.Refusal
	return errors.As(err, &refusal) &&
		(refusal.Status == http.StatusUnauthorized || refusal.Status == http.StatusUpgradeRequired)
}

// check refuses a cluster that this node cannot join.
func (n *Node) check(w *who) error {
	if w.Protocol != protocolVersion {
		return fmt.Errorf("%w: %s speaks protocol version %d, this node %d: run the same release on both",
			httpapi.ErrConflict, w.Name, w.Protocol, protocolVersion)
	}
	m := partition.Map{Peers: w.Peers}
	if p, taken := m.PeerNamed(n.cfg.Name); taken && p.State == partition.Active && p.Address != n.address {
		return fmt.Errorf("%w: the cluster of %s has a peer named %q, at %s: start this node under another name",
			httpapi.ErrConflict, w.Name, p.Name, p.Address)
	}
	return nil
}

// addresses lists first and then the peers that are of use.
func addresses(first string, peers []partition.Peer) []string {
	all := []string{first}
	for _, p := range peers {
		if p.Address != first && p.State == partition.Active {
			all = append(all, p.Address)
		}
	}
	return all
}

// standalone reports whether the map has the life's node and nobody else.
func standalone(m *partition.Map, l *life) bool {
	return m != nil && len(m.Peers) == 1 && m.Peers[0].ID == l.record.Node
}
