package transport

import "errors"

var (
	// ErrNotSent is returned by Call and Visit when the request surely was not
	// delivered: nothing took effect, and it may be made again anywhere.
	ErrNotSent = errors.New("not sent")
	// ErrLost is returned by Call and Visit when the connection broke, or the
	// caller's context ended, while the request was on its way or being carried
	// out: it may or may not take effect.
	ErrLost = errors.New("sent, but the answer was lost")
	// ErrTooLarge is returned by Call where a body exceeds Lane.MaxBody. With
	// ErrNotSent it is the request's; alone it is the reply's: the request was
	// carried out. Use the Bulk lane.
	ErrTooLarge = errors.New("body too large for the lane")
	// ErrClosed comes with ErrNotSent or ErrLost when the Transport was closed.
	ErrClosed = errors.New("transport closed")
)

// Why a connection was closed; for logs, and wrapped in what Call returns.
var (
	errReplaced = errors.New("replaced by a newer connection")
	errStale    = errors.New("the peer has restarted")
	errDone     = errors.New("no longer needed")
)

// Refusal is the answer of a node that turns a handshake down. Errors of Call
// and Visit that come from one wrap it.
type Refusal struct {
	// Status is the HTTP status: 400 malformed, 401 wrong secret, 409 another
	// cluster or an older life of the same node, 421 not the node asked for, 426
	// another protocol version, 503 too busy or closing; whatever else the
	// HTTP server in front says.
	Status int
	Reason string // one sentence: what is wrong and what to do
}

func (r *Refusal) Error() string { return r.Reason }
