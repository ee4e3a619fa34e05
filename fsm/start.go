package fsm

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"

	"pipelinedht/partition"
)

// ErrRegressed, by Open: the Raft directory was open in this incarnation before,
// or in a later one. So the rest of the node's data has gone back to an earlier
// time, and lacks writes that it acknowledged.
var ErrRegressed = errors.New("the data directory has gone back to an earlier time than its Raft directory: restore both as they were at one moment, or, where the cluster has other members, start the node under its name with an empty data directory and let it join them")

var (
	keyStart = []byte("start")
	process  = newProcess()
)

// newProcess returns a number that no other process has.
func newProcess() []byte {
	id := make([]byte, 8)
	rand.Read(id) // never fails
	return id
}

// begin notes the incarnation that a directory is opened in. One process may open
// it more than once.
func begin(log logStore, inc partition.Incarnation) error {
	v, err := log.Get(keyStart)
	if err == nil && len(v) == 16 {
		last := partition.Incarnation(binary.BigEndian.Uint64(v))
		if last > inc || last == inc && string(v[8:]) != string(process) {
			return fmt.Errorf("%w (incarnation %d, and it was %d)", ErrRegressed, inc, last)
		}
	}
	if errors.Is(err, ErrDamaged) {
		return err
	}
	return log.Set(keyStart, append(binary.BigEndian.AppendUint64(nil, uint64(inc)), process...))
}
