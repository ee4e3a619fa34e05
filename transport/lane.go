package transport

// Lane is a kind of connection between two nodes, so that what is large delays
// nothing small. The numbers are those of the copy protocol.
type Lane uint8

const (
	Control Lane = iota // beacons, grants: never behind data
	Small               // operations, entries and acknowledgements
	Bulk                // snapshots and large values
)

// MaxBody returns the largest body, in bytes, of a message, call or reply.
func (l Lane) MaxBody() int { return [...]int{1 << 20, 1 << 20, 64 << 20}[l] }
