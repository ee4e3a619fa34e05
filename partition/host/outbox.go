package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// A body of one-way messages is a sequence of
//
//	length 4, little-endian | message (replica.AppendMessage)
//
// so that all that waits for one node travels in one frame.

// lengthSize is the size of the length in front of a message.
const lengthSize = 4

// retainedBody is the largest buffer, in bytes, that is kept for reuse.
const retainedBody = 1 << 20

// reusable reports whether the memory of a body that was sent may be used again.
func reusable(body []byte) bool { return len(body) <= keptBody && cap(body) <= retainedBody }

// outbox gathers messages by node and lane. It belongs to one goroutine.
type outbox struct {
	net     Net
	log     *slog.Logger
	parcels []parcel
	spare   [][]byte // buffers for parcels to come
	large   large    // the last one since flush
}

// large is a message that is a body by itself: the next node that is sent the same
// message is sent the same bytes.
type large struct {
	message replica.Message
	body    []byte
}

type parcel struct {
	to   partition.NodeID
	lane replica.Lane
	body []byte
}

// add puts a message into the parcel for its node and lane; a parcel that becomes
// too large for the lane is sent before, and so is one that a large message follows,
// which travels by itself. A message that is too large for its lane by itself goes by
// Bulk; the order is lost then, which the protocol mends. One that is too large for
// Bulk is dropped, loudly.
func (o *outbox) add(m replica.Outbound) {
	p := o.parcel(m.To, m.Lane)
	if m.Message == o.large.message && len(o.large.body) <= o.net.MaxBody(m.Lane) {
		o.send(p)
		o.net.Send(p.to, p.lane, o.large.body)
		return
	}
	start := len(p.body)
	p.body = append(p.body, 0, 0, 0, 0)
	p.body = replica.AppendMessage(p.body, m.Message)
	size := len(p.body) - start
	binary.LittleEndian.PutUint32(p.body[start:], uint32(size-lengthSize))
	limit := o.net.MaxBody(m.Lane)
	switch {
	case size > keptBody && size <= limit:
		o.large = large{m.Message, p.body[start:]}
		p.body = p.body[:start]
		o.send(p)
		o.net.Send(p.to, p.lane, o.large.body)
		p.body = nil
	case len(p.body) <= limit:
	case size <= limit:
		last := p.body[start:]
		p.body = p.body[:start]
		o.send(p)
		p.body = append(p.body, last...)
	case m.Lane != replica.Bulk:
		p.body = p.body[:start]
		m.Lane = replica.Bulk
		o.add(m)
	default:
		p.body = p.body[:start]
		o.log.Error("message between nodes is too large to send", "to", m.To, "bytes", size, "type", fmt.Sprintf("%T", m.Message))
	}
}

// parcel returns the parcel for a node and lane; it is valid until the next call.
func (o *outbox) parcel(to partition.NodeID, lane replica.Lane) *parcel {
	for i := range o.parcels {
		if o.parcels[i].to == to && o.parcels[i].lane == lane {
			return &o.parcels[i]
		}
	}
	var body []byte
	if n := len(o.spare); n > 0 {
		body, o.spare = o.spare[n-1], o.spare[:n-1]
	}
	o.parcels = append(o.parcels, parcel{to, lane, body})
	return &o.parcels[len(o.parcels)-1]
}

// flush sends all parcels. What Net does not take is lost, as on a broken
// connection; the protocol repeats what matters.
func (o *outbox) flush() {
	for i := range o.parcels {
		p := &o.parcels[i]
		if o.send(p); cap(p.body) > 0 {
			o.spare = append(o.spare, p.body)
		}
	}
	clear(o.parcels)
	o.parcels = o.parcels[:0]
	o.large = large{}
}

// send sends what a parcel has, if anything, and empties it.
func (o *outbox) send(p *parcel) {
	if len(p.body) > 0 {
		o.net.Send(p.to, p.lane, p.body)
	}
	if reusable(p.body) {
		p.body = p.body[:0]
	} else {
		p.body = nil
	}
}

var errMessages = errors.New("malformed body of messages")

// decodeMessages reads what an outbox made.
func decodeMessages(body []byte) ([]replica.Message, error) {
	var messages []replica.Message
	for len(body) > 0 {
		if len(body) < lengthSize {
			return nil, errMessages
		}
		n := binary.LittleEndian.Uint32(body)
		if body = body[lengthSize:]; uint64(n) > uint64(len(body)) {
			return nil, errMessages
		}
		m, err := replica.DecodeMessage(body[:n:n])
		if err != nil {
			return nil, err
		}
		messages = append(messages, m)
		body = body[n:]
	}
	return messages, nil
}
