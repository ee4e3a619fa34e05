package httpapi

import (
	"cmp"
	"time"
)

// Limits of a Server. Zero means the default, which stands behind each.
type Limits struct {
	KeyBytes    int // of one key, unescaped; 4 KiB, beyond: 414
	ValueBytes  int // of one value; 16 MiB, beyond: 413
	JoinBytes   int // of a join list; 64 KiB, beyond: 413
	HeaderBytes int // of request line and headers; 128 KiB, or 4 KeyBytes if that is more, beyond: 431

	// Connections at once, those between nodes not counted; 4,096. One more
	// closes the one that has been idle for longest, or itself if none is idle.
	Connections int
	// Requests for keys that may be with the Table at once; 2,048. One more
	// waits for RoomWait at most, then gets 503.
	Requests int
	// BodyBytes of large values that may be held in memory at once on their way
	// in, and AnswerBytes on their way out, listings of keys among them; 256 MiB
	// each, and never less than ValueBytes. One more waits as above.
	BodyBytes   int
	AnswerBytes int
	RoomWait    time.Duration // 2 s
	// Stall is for how long a client must have been silent in the middle of a
	// request or an answer, or as good as (bodyPiece, answerPiece), to be cut off
	// where another one waits for its connection or its memory; and for how long a
	// request goes on after its client has closed its side, as one that has gone; 5 s.
	Stall time.Duration

	HeaderTimeout time.Duration // for request line and headers to arrive; 10 s
	BodyTimeout   time.Duration // for a body to arrive; 2 min, beyond: 408
	// AnswerTimeout is how long a client may take to read an answer, or 32 KiB
	// of a listing; 4 min, beyond: the connection is cut.
	AnswerTimeout time.Duration
	IdleTimeout   time.Duration // between requests on a connection; 3 min
}

const (
	// smallBody is the length up to which a value needs no room in BodyBytes or
	// AnswerBytes: the bound on connections is enough.
	smallBody = 64 << 10
	// readyRequests and readyPieces are how many goroutines a processor may be ready
	// to run before a request, or the next piece of a large value, is kept back. A
	// piece takes the longer of the two.
	readyRequests = 64
	readyPieces   = 16
)

// WithDefaults returns l with zero fields replaced by their defaults.
func (l Limits) WithDefaults() Limits {
	l.KeyBytes = cmp.Or(l.KeyBytes, 4<<10)
	l.ValueBytes = cmp.Or(l.ValueBytes, 16<<20)
	l.JoinBytes = cmp.Or(l.JoinBytes, 64<<10)
	l.HeaderBytes = cmp.Or(l.HeaderBytes, max(128<<10, 4*l.KeyBytes))
	l.Connections = cmp.Or(l.Connections, 4096)
	l.Requests = cmp.Or(l.Requests, 2048)
	l.BodyBytes = max(cmp.Or(l.BodyBytes, 256<<20), l.ValueBytes, l.JoinBytes)
	l.AnswerBytes = max(cmp.Or(l.AnswerBytes, 256<<20), l.ValueBytes, listingBytes)
	l.RoomWait = cmp.Or(l.RoomWait, 2*time.Second)
	l.Stall = cmp.Or(l.Stall, 5*time.Second)
	l.HeaderTimeout = cmp.Or(l.HeaderTimeout, 10*time.Second)
	l.BodyTimeout = cmp.Or(l.BodyTimeout, 2*time.Minute)
	l.AnswerTimeout = cmp.Or(l.AnswerTimeout, 4*time.Minute)
	l.IdleTimeout = cmp.Or(l.IdleTimeout, 3*time.Minute)
	return l
}
