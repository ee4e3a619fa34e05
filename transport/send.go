package transport

import "pipelinedht/partition"

// Send sends messages to the peer, in order, all of them or none, and never
// waits. Where there is no connection yet, one is dialled and the messages wait
// for it. False: none, because the buffer is full, a body exceeds Lane.MaxBody, the
// peer has no address or was not reached the last time, or the Transport is
// closed. True promises no arrival. Bodies of up to MaxCopied bytes are copied; a
// larger one must not change any more, whatever comes of it.
func (t *Transport) Send(to partition.NodeID, lane Lane, bodies ...[]byte) bool {
	var few [8]frame
	frames := few[:0]
	for _, b := range bodies {
		if len(b) > lane.MaxBody() {
			t.cfg.Logger.Error("message larger than its lane allows, not sent", "to", to, "lane", lane, "bytes", len(b))
			return false
		}
		frames = append(frames, newFrame(frameMessage, 0, b))
	}
	l := t.link(to, lane)
	c := l.conn.Load()
	if c == nil {
		var held bool
		if c, held = l.hold(limits[lane].send, frames); c == nil {
			return held
		}
	}
	return c.sendNow(c.limits.send, frames)
}

// link returns this node's side of a lane to a peer.
func (t *Transport) link(to partition.NodeID, lane Lane) *link {
	return &t.peers.peer(to, t).links[lane]
}
