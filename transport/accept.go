package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	// maxGreeting is how many handshakes may be under way at a time.
	maxGreeting = 1024
	// maxAccepted is how many accepted connections may be open.
	maxAccepted = 8192
	// maxVisitors is how many of them may be visits.
	maxVisitors = 64
)

// errBusy refuses what comes beyond one of these limits.
var errBusy = &Refusal{http.StatusServiceUnavailable, "this node has too many connections or is closing: try again later"}

// ServeHTTP takes the connections that other nodes dial, on an HTTP/1.1 server of
// which nothing else need be known. It returns when the handshake is over.
func (t *Transport) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h, err := t.checkHello(r)
	if err == nil && !t.beginGreeting() {
		err = errBusy
	}
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		switch refusal.Status {
		case http.StatusUpgradeRequired:
			w.Header().Set("Upgrade", upgradeToken)
		case http.StatusMethodNotAllowed:
			w.Header().Set("Allow", http.MethodGet)
		}
		http.Error(w, refusal.Reason, refusal.Status)
		return
	}
	defer t.endGreeting()
	nc, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "connections between nodes need HTTP/1.1", http.StatusHTTPVersionNotSupported)
		return
	}
	ctx, cancel := context.WithTimeout(t.ctx, handshakeTime)
	defer cancel()
	nc.SetDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if buffered.Reader.Buffered() > 0 {
		err = &Refusal{http.StatusBadRequest, "bytes were sent ahead of the handshake's end"}
	} else {
		err = t.welcome(ctx, nc, h, stop)
	}
	if err == nil {
		return
	}
	t.cfg.Logger.Debug("handshake refused", "from", h.from.Node, "address", h.from.Address, "kind", h.kind, "err", err)
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		writeRefusal(nc, refusal)
	}
	hangUp(nc)
}

// checkHello checks what can be before the connection is taken over.
func (t *Transport) checkHello(r *http.Request) (*hello, error) {
	if refusal := checkUpgrade(r); refusal != nil {
		return nil, refusal
	}
	h, err := readHello(r)
	if err != nil {
		return nil, &Refusal{http.StatusBadRequest, "malformed handshake: " + err.Error()}
	}
	self := t.cfg.Self
	if h.target != self.Node && h.target != 0 {
		return nil, &Refusal{http.StatusMisdirectedRequest, fmt.Sprintf("this is node %v, not %v", self.Node, h.target)}
	}
	return h, nil
}

// checkMember checks that a node, now proved to know the secret, may connect.
func (t *Transport) checkMember(h *hello) error {
	self := t.cfg.Self
	switch {
	case h.kind == kindVisit && h.from.Cluster != self.Cluster:
		return nil
	case h.from.Cluster != self.Cluster:
		return &Refusal{http.StatusConflict, fmt.Sprintf("this node belongs to cluster %v, not %v", self.Cluster, h.from.Cluster)}
	case h.from.Node == self.Node && h.kind == kindVisit:
		return nil // asks itself, and learns that from the answer
	case h.from.Node == self.Node:
		return &Refusal{http.StatusConflict, fmt.Sprintf("node %v connects to itself", self.Node)}
	case !t.hear(h.from):
		return stale(h)
	}
	t.peers.hurry(h.from.Node)
	return nil
}

func stale(h *hello) *Refusal {
	return &Refusal{http.StatusConflict, fmt.Sprintf(
		"a later connection or incarnation of node %v than %d has come: another process runs under this id", h.from.Node, h.from.Incarnation)}
}

// welcome carries the answering side of a handshake out and starts what follows.
// stop ends the watch over ctx; false: ctx has ended.
func (t *Transport) welcome(ctx context.Context, nc net.Conn, h *hello, stop func() bool) error {
	w := &welcome{from: t.cfg.Self, nonce: newNonce()}
	head := http.Header{"Connection": {"Upgrade"}, "Upgrade": {upgradeToken}}
	if t.cfg.Secret == "" {
		w.write(head)
	} else {
		if err := t.challenge(nc, h, w); err != nil {
			return err
		}
		head.Set(headerProof, prove(t.cfg.Secret, answering, h, w))
	}
	if err := t.checkMember(h); err != nil {
		return err
	}
	s := &stream{Conn: nc, remote: h.from}
	begin := func() error {
		if err := writeHead(nc, http.StatusSwitchingProtocols, head); err != nil {
			return err
		}
		if !stop() {
			return context.Cause(ctx)
		}
		return nil
	}
	if h.kind == kindRaft {
		return t.streams.admit(s, begin)
	}
	return t.admit(ctx, s, h, begin)
}

// challenge has the dialling side prove that it knows the secret.
func (t *Transport) challenge(nc net.Conn, h *hello, w *welcome) error {
	head := http.Header{"Www-Authenticate": {"DHT-HMAC-SHA256"}, "Content-Length": {"0"}}
	w.write(head)
	if err := writeHead(nc, http.StatusUnauthorized, head); err != nil {
		return err
	}
	in := bufio.NewReader(io.LimitReader(nc, handshakeBytes))
	r, err := http.ReadRequest(in)
	if err != nil {
		return err
	}
	if in.Buffered() > 0 || r.ContentLength != 0 {
		return &Refusal{http.StatusBadRequest, "a handshake has no body"}
	}
	if !sameProof(r.Header.Get(headerProof), prove(t.cfg.Secret, dialling, h, w)) {
		return &Refusal{http.StatusUnauthorized, "wrong cluster secret: start both nodes with the same one"}
	}
	return nil
}

// admit starts a connection of frames, once an older one in its place is done.
func (t *Transport) admit(ctx context.Context, s *stream, h *hello, begin func() error) error {
	c := newConn(t, s, h.kind, false)
	err := error(errBusy)
	if t.track(c, true) {
		err = t.place(ctx, c, h)
	}
	if err == nil {
		err = begin()
	}
	if err == nil && !t.begin() {
		err = ErrClosed
	}
	if err != nil {
		t.forget(c)
		c.end(err)
		close(c.stopped)
		return err
	}
	go func() {
		defer t.running.Done()
		c.run()
	}()
	return nil
}

// place waits until the peer's earlier connection for the same lane is done. So
// nothing of it is delivered after something of this one.
func (t *Transport) place(ctx context.Context, c *conn, h *hello) error {
	for h.kind < lanes {
		earlier, ok := t.peers.place(c, h.serial)
		if !ok {
			return stale(h)
		}
		if earlier == nil {
			return nil
		}
		earlier.close(errReplaced)
		select {
		case <-earlier.stopped:
		case <-ctx.Done():
			return errBusy
		}
	}
	return nil
}

func writeRefusal(nc net.Conn, refusal *Refusal) {
	text := refusal.Reason + "\n"
	head := http.Header{"Connection": {"close"}, "Content-Type": {"text/plain; charset=utf-8"},
		"Content-Length": {fmt.Sprint(len(text))}}
	if writeHead(nc, refusal.Status, head) == nil {
		io.WriteString(nc, text)
	}
}

// writeHead writes the head of an answer on a connection that was taken over from
// the HTTP server.
func writeHead(nc net.Conn, status int, head http.Header) error {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	head.Write(&b)
	b.WriteString("\r\n")
	_, err := io.WriteString(nc, b.String())
	return err
}
