package dialect

import "pipelinedht/httpapi/load"

// opCount is how many operations there are.
const opCount = int(load.Delete) + 1

// prepared is a request whose key and value are overwritten in place.
type prepared struct {
	bytes   []byte // nil: not needed so far
	keyAt   int
	valueAt int // 0: it carries no value
}
