package transport

import (
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
		err = t.admit(ctx, nc, h, stop)
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
