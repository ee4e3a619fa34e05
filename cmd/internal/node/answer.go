package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"pipelinedht/fsm"
	"pipelinedht/partition"
	"pipelinedht/transport"
)

// addTimeout is how long a member tries to have a joiner's wish committed before
// it answers resultUnknown.
const addTimeout = 10 * time.Second

// Visit is transport.Handler's: it answers a node of any cluster.
func (l *life) Visit(ctx context.Context, _ transport.Identity, body []byte) []byte {
	var q question
	a := answer{Result: resultRefused, Text: "a question that cannot be read"}
	if json.Unmarshal(body, &q) == nil {
		a = l.answer(ctx, q)
	}
	reply, err := json.Marshal(a)
	if err != nil {
		panic(fmt.Sprintf("answer %+v has no JSON form: %v", a, err))
	}
	return reply
}

func (l *life) answer(ctx context.Context, q question) answer {
	ctx, cancel := context.WithTimeout(ctx, addTimeout)
	defer cancel()
	raft := l.raft.Load()
	if raft == nil {
		return answer{Result: resultUnknown, Text: "the node is starting"}
	}
	switch {
	case q.Ask == askWho:
		return l.sayWho()
	case q.Cluster != l.record.Cluster || l.isGone():
		return answer{Result: resultMoved, Text: "the node is in another cluster by now"}
	case !l.up():
		return answer{Result: resultUnknown, Text: "the node is starting"}
	case q.Ask == askAdd && l.barred(raft.Map()):
		return answer{Result: resultDeparting, Text: fsm.ErrDeparting.Error()}
	case q.Ask == askAdd && q.Peer != nil:
		return addResult(raft.AddPeer(ctx, fsm.Joiner{
			ID:      q.Peer.ID,
			Name:    q.Peer.Name,
			Address: q.Peer.Address,
			JoinID:  q.JoinID,
			Stamp:   q.Stamp,
		}))
	case q.Ask == askAbort:
		return abortResult(raft.AbortJoin(ctx, q.JoinID))
	}
	return answer{Result: resultRefused, Text: fmt.Sprintf("question %q is not known to this version", q.Ask)}
}

// addResult says what became of AddPeer.
func addResult(err error) answer {
	var refusal fsm.Refusal
	switch {
	case err == nil:
		return answer{Result: resultDone}
	case errors.Is(err, fsm.ErrDeparting):
		return answer{Result: resultDeparting, Text: err.Error()}
	case errors.Is(err, fsm.ErrBarred):
		return answer{Result: resultAborted, Text: err.Error()}
	case errors.Is(err, fsm.ErrUnknownPeer), errors.Is(err, fsm.ErrStale):
		// It is the member that proposed for the joiner who is no peer any more.
		return answer{Result: resultMoved, Text: err.Error()}
	case errors.As(err, &refusal):
		return answer{Result: resultRefused, Text: err.Error()}
	}
	return answer{Result: resultUnknown, Text: err.Error()}
}

// abortResult says what became of AbortJoin.
func abortResult(err error) answer {
	switch {
	case err == nil:
		return answer{Result: resultDone}
	case errors.Is(err, fsm.ErrJoined):
		return answer{Result: resultAdded, Text: err.Error()}
	}
	return answer{Result: resultUnknown, Text: err.Error()}
}

func (l *life) sayWho() answer {
	m := l.raft.Load().Map()
	if m == nil {
		return answer{Result: resultUnknown, Text: "the node has no map yet"}
	}
	adopted := l.adopted()
	now := partition.Stamp(time.Now().UnixMicro())
	return answer{Result: resultDone, Who: &who{
		Protocol:  protocolVersion,
		Node:      l.record.Node,
		Name:      l.cfg.name,
		Cluster:   l.record.Cluster,
		Settings:  m.Settings,
		Version:   adopted.Version,
		Departing: m.Departing != 0 || l.barred(m),
		Toward:    l.toward(),
		Settled:   settledButForAway(adopted),
		Peers:     l.located(m.Peers),
		Recovered: l.cfg.recovered(),
		Stamp:     max(now, m.Stamp+1),
	}}
}

// located returns peers with the addresses that were last heard from themselves.
func (l *life) located(peers []partition.Peer) []partition.Peer {
	peers = slices.Clone(peers)
	for i, p := range peers {
		if address, inc, ok := l.net.Heard(p.ID); ok && inc > p.Incarnation {
			peers[i].Address, peers[i].Incarnation = address, inc
		}
	}
	return peers
}
