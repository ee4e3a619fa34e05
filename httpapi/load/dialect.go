package load

import (
	"bufio"
	"errors"
)

// Op is what a request does with its key.
type Op uint8

// The operations.
const (
	Get Op = iota
	Put
	Delete
	ops // how many there are
)

var opNames = [ops]string{Get: "GET", Put: "PUT", Delete: "DELETE"}

// String returns the operation's name, which is also HTTP's method.
func (o Op) String() string { return opNames[o] }

// StampBytes is how much of a value's start differs from one Put to the next.
const StampBytes = 8

// Statuses count as HTTP has them, in other protocols too.
const (
	StatusOK = 200 // success
	NoAnswer = 0   // the connection broke, or could not be made
)

// Dialect is a protocol of requests and answers.
type Dialect interface {
	// Speaker returns what one connection needs, for keys and values of exactly
	// these lengths. It belongs to one goroutine.
	Speaker(keyBytes, valueBytes int) Speaker
}

// Speaker prepares the requests of one connection and reads the answers. To be
// cheap it should allocate only where an Op comes for the first time.
type Speaker interface {
	// Request returns what asks for op on key; it is valid until the next call. The
	// value of a Put bears stamp in its first StampBytes.
	Request(op Op, key []byte, stamp uint64) []byte

	// Answer reads the answer to one request, drops its body and returns its
	// status. ErrClosing says that the answer is whole and the connection's last;
	// any other error that the connection is of no use any more.
	Answer(r *bufio.Reader) (status int, err error)
}

// Greeter is a Speaker of a protocol whose client speaks first.
type Greeter interface {
	Speaker

	// Greet returns what is sent on a new connection ahead of its first request. The
	// connection before, if there was one, is of no use any more.
	Greet() []byte
}

// ErrClosing comes with the last answer on a connection that the server closes in
// good order.
var ErrClosing = errors.New("the server closes the connection after this answer")
