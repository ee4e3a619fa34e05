package fsm

import (
	"context"
	"fmt"

	"pipelinedht/partition"
)

// Calls between nodes. A request is an envelope (see encoding.go) with
//
//	kind  1 byte, askKind
//	rest  askPropose: the log entry, to the end
//	      askStanding: id of the node asked about
//	      askWithdraw: uint, the asking node's incarnation
//
// and a reply an envelope with
//
//	kind  1 byte, that of the request; 0 if that made no sense
//	rest  askPropose, askWithdraw: bool, taken; id of the leader, if another one
//	      is known, else 0
//	      askStanding: id of the cluster, uint map version, bool peer, bool gone,
//	      bool server
type askKind byte

const (
	askPropose  askKind = iota + 1 // put this entry into the log
	askStanding                    // is that node a member?
	askWithdraw                    // the asking node is about to stop
)

type request struct {
	kind        askKind
	entry       []byte
	about       partition.NodeID
	incarnation partition.Incarnation
}

type reply struct {
	taken    bool
	leader   partition.NodeID
	standing Standing
}

func (q request) encode() []byte {
	w := newWriter(16 + len(q.entry))
	w.byte(byte(q.kind))
	switch q.kind {
	case askPropose:
		w.b = append(w.b, q.entry...)
	case askStanding:
		w.id(uint64(q.about))
	case askWithdraw:
		w.uint(uint64(q.incarnation))
	}
	return w.seal()
}

func decodeRequest(b []byte) (request, error) {
	r, err := openEnvelope(b)
	if err != nil {
		return request{}, err
	}
	q := request{kind: askKind(r.byte())}
	switch q.kind {
	case askPropose:
		q.entry, r.b = r.b, nil
	case askStanding:
		q.about = partition.NodeID(r.id())
	case askWithdraw:
		q.incarnation = partition.Incarnation(r.uint())
	default:
		r.fail("unknown request")
	}
	return q, r.end()
}

func (p reply) encode(kind askKind) []byte {
	w := newWriter(24)
	w.byte(byte(kind))
	switch kind {
	case askPropose, askWithdraw:
		w.bool(p.taken)
		w.id(uint64(p.leader))
	case askStanding:
		w.id(uint64(p.standing.Cluster))
		w.uint(uint64(p.standing.Version))
		w.bool(p.standing.Peer)
		w.bool(p.standing.Gone)
		w.bool(p.standing.Server)
	}
	return w.seal()
}

func decodeReply(b []byte, kind askKind) (reply, error) {
	r, err := openEnvelope(b)
	if err != nil {
		return reply{}, err
	}
	var p reply
	if askKind(r.byte()) != kind {
		r.fail("not the answer to that request")
	}
	switch kind {
	case askPropose, askWithdraw:
		p.taken = r.bool()
		p.leader = partition.NodeID(r.id())
	case askStanding:
		p.standing.Cluster = partition.ClusterID(r.id())
		p.standing.Version = partition.Version(r.uint())
		p.standing.Peer = r.bool()
		p.standing.Gone = r.bool()
		p.standing.Server = r.bool()
	}
	return p, r.end()
}

// call asks another node.
func (r *Raft) call(ctx context.Context, to partition.NodeID, q request) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	stop := context.AfterFunc(r.life, cancel)
	defer stop()
	b, err := r.cfg.Caller.Call(ctx, to, q.encode())
	if err != nil {
		return reply{}, fmt.Errorf("ask %v: %w", to, err)
	}
	p, err := decodeReply(b, q.kind)
	if err != nil {
		return reply{}, fmt.Errorf("answer of %v: %w", to, err)
	}
	return p, nil
}

// HandleCall answers another node's Caller.Call. It may block for up to a second,
// while this node's Raft is busy.
func (r *Raft) HandleCall(_ context.Context, from partition.NodeID, body []byte) []byte {
	q, err := decodeRequest(body)
	if err != nil {
		r.log.Warn("raft request refused", "from", from, "error", err)
		return reply{}.encode(0)
	}
	var p reply
	switch q.kind {
	case askPropose:
		// What is in the log must be readable to all: it is checked here.
		h, _, err := decodeCommand(q.entry)
		if err != nil || h.proposer != from {
			r.log.Warn("proposal refused", "from", from, "proposer", h.proposer, "error", err)
			return reply{}.encode(0)
		}
		p.taken = r.enqueue(q.entry)
	case askStanding:
		p.standing = r.standing(q.about)
	case askWithdraw:
		p.taken = r.noteWithdrawal(from, q.incarnation)
	}
	if leader, ok := r.Leader(); ok && !p.taken && leader != r.cfg.Self {
		p.leader = leader
	}
	return p.encode(q.kind)
}
