package transport

import "fmt"

// Lane is a kind of connection between two nodes, so that what is large delays
// nothing small. The numbers are those of the copy protocol.
type Lane uint8

const (
	Control Lane = iota // beacons, grants: never behind data
	Small               // operations, entries and acknowledgements
	Bulk                // snapshots and large values

	lanes = 3
)

// laneLimits are in bytes. A buffer takes a frame that exceeds what is left of
// it only while it is empty, so that every permitted body can be sent.
type laneLimits struct {
	body  int // of one message, call or reply
	call  int // buffered messages and calls, per connection, beyond which a call waits
	send  int // the same, beyond which a message is not taken: they wait for no calls
	reply int // buffered replies, per connection
}

var limits = [lanes]laneLimits{
	Control: {body: 1 << 20, call: 1 << 20, send: 2 << 20, reply: 8 << 20},
	Small:   {body: 1 << 20, call: 8 << 20, send: 24 << 20, reply: 64 << 20},
	Bulk:    {body: 64 << 20, call: 64 << 20, send: 128 << 20, reply: 128 << 20},
}

// MaxBody returns the largest body, in bytes, of a message, call or reply.
func (l Lane) MaxBody() int { return limits[l].body }

// String returns the lane's name in handshakes and logs.
func (l Lane) String() string {
	switch l {
	case Control:
		return "control"
	case Small:
		return "small"
	case Bulk:
		return "bulk"
	}
	return fmt.Sprintf("lane %d", uint8(l))
}
