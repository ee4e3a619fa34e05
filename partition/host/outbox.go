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

// outbox gathers messages by node and lane. It belongs to one goroutine.
type outbox struct {
	net     Net
	log     *slog.Logger
	parcels []parcel
	spare   [][]byte // buffers for parcels to come
}

type parcel struct {
	to   partition.NodeID
	lane replica.Lane
	body []byte
}

// add puts a message into the parcel for its node and lane; a parcel that becomes
// too large for the lane is sent before. A message that is too large for its lane
// by itself goes by Bulk; the order is lost then, which the protocol mends. One
// that is too large for Bulk is dropped, loudly.
func (o *outbox) add(m replica.Outbound) {
	p := o.parcel(m.To, m.Lane)
	start := len(p.body)
	p.body = append(p.body, 0, 0, 0, 0)
	p.body = replica.AppendMessage(p.body, m.Message)
	size := len(p.body) - start
	binary.LittleEndian.PutUint32(p.body[start:], uint32(size-lengthSize))
	limit := o.net.MaxBody(m.Lane)
	switch {
	case len(p.body) <= limit:
	case size <= limit:
		o.net.Send(p.to, p.lane, p.body[:start])
		p.body = append(p.body[:0], p.body[start:]...)
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
		if len(p.body) > 0 {
			o.net.Send(p.to, p.lane, p.body)
		}
		if cap(p.body) <= retainedBody {
			o.spare = append(o.spare, p.body[:0])
		}
	}
	clear(o.parcels)
	o.parcels = o.parcels[:0]
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
