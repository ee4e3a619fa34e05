package httpapi

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"time"
)

// connection is one client's. Its state is one of the constants below, or since
// when the client has been silent: nanoseconds after connections.began, above 0,
// shifted left by one; the lowest bit is set in the middle of a request or of its
// answer. A nil connection, of a Server without Serve, is never closed.
type connection struct {
	net.Conn
	all           *connections
	state         atomic.Int64
	heard         atomic.Bool // a request of it has been with a handler
	reads, writes deadline

	end      context.CancelCauseFunc // of the context of its requests
	socket   syscall.RawConn         // nil: there is none to look at
	requests atomic.Uint64           // begun
	spared   atomic.Bool             // the present request has had its read with nothing

	// Of connections.look alone.
	looked uint64    // requests at the last look
	half   time.Time // when a look found that the client sends nothing more; zero: none has
}

const (
	connBusy   = 0  // the server is at work for it
	connClosed = -1 // closed, or taken over by another server

	midway = 1 // bit of connection.state
)

func newConnection(all *connections, nc net.Conn) *connection {
	one := &connection{Conn: nc, all: all}
	one.reads.init(all.began, nc.SetReadDeadline)
	one.writes.init(all.began, nc.SetWriteDeadline)
	if sc, ok := nc.(syscall.Conn); ok && canPeek {
		one.socket, _ = sc.SyscallConn() // nil if it is closed already
	}
	return one
}

type connectionKey struct{}

// withConnection is the http.Server's ConnContext hook, which comes first of all.
func withConnection(ctx context.Context, nc net.Conn) context.Context {
	one, ok := nc.(*connection)
	if !ok {
		return ctx
	}
	ctx, one.end = context.WithCancelCause(ctx)
	return context.WithValue(ctx, connectionKey{}, one)
}

// connectionOf returns the connection that a request came on.
func connectionOf(ctx context.Context) *connection {
	one, _ := ctx.Value(connectionKey{}).(*connection)
	return one
}

// begins says that a request has come whole, its body apart.
func (one *connection) begins() {
	one.requests.Add(1)
	one.spared.Store(false)
	one.become(connBusy)
}

// Read is net.Conn's.
func (one *connection) Read(p []byte) (n int, err error) {
	if one.spare() {
		return 0, nil
	}
	err = one.reads.begin()
	defer one.reads.end()
	if err != nil {
		return 0, err
	}
	for {
		n, err = one.Conn.Read(p)
		if err == io.EOF && one.spareEnd() {
			return 0, nil
		}
		if n > 0 || !one.reads.early(err) {
			return n, err
		}
	}
}

// Write is net.Conn's.
func (one *connection) Write(p []byte) (n int, err error) {
	err = one.writes.begin()
	defer one.writes.end()
	for err == nil {
		var more int
		more, err = one.Conn.Write(p[n:])
		n += more
		if !one.writes.early(err) {
			break
		}
		err = nil
	}
	return n, err
}

// SetDeadline is net.Conn's.
func (one *connection) SetDeadline(t time.Time) error {
	return errors.Join(one.reads.set(t), one.writes.set(t))
}

// SetReadDeadline is net.Conn's.
func (one *connection) SetReadDeadline(t time.Time) error { return one.reads.set(t) }

// SetWriteDeadline is net.Conn's.
func (one *connection) SetWriteDeadline(t time.Time) error { return one.writes.set(t) }

// CloseWrite tells the client that nothing more will come, where the connection can
// say so: net/http does, to have an answer read before it hangs up.
func (one *connection) CloseWrite() error {
	if half, ok := one.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// NetConn returns the connection below, for those who take this one over and have
// wishes that a net.Conn does not know.
func (one *connection) NetConn() net.Conn { return one.Conn }

// become sets the state, unless the connection is closed already.
func (one *connection) become(state int64) {
	if was := one.state.Load(); was != connClosed {
		one.state.CompareAndSwap(was, state)
	}
}

// waits says that from now on the server waits for the client, to send the rest
// of a request or to take the rest of an answer.
func (one *connection) waits() {
	if one != nil {
		one.become(one.all.silence() | midway)
	}
}

// asks says that a request has come.
func (one *connection) asks() {
	if one != nil && !one.heard.Load() {
		one.heard.Store(true)
	}
}

// works says that the server is at work for the client.
func (one *connection) works() {
	if one == nil {
		return
	}
	one.become(connBusy)
	if one.spared.Load() {
		one.all.startLooking()
	}
}

// silent returns the state if the connection may be closed for another one:
// between two requests always, in the middle of one after Limits.Stall.
func (one *connection) silent() (state int64, ok bool) {
	state = one.state.Load()
	switch {
	case state <= connBusy:
		return 0, false
	case state&midway != 0:
		return state, one.all.silence()-state >= int64(one.all.stall)<<1
	}
	return state, true
}

// cut closes the connection, unless it is in another state by now.
func (one *connection) cut(state int64) {
	if one.state.CompareAndSwap(state, connClosed) {
		one.all.open.Add(-1)
		one.Close()
	}
}
