package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"pipelinedht/partition"
)

const (
	// handshakeTime bounds a handshake, on each side; on the dialling one with
	// the connecting before it.
	handshakeTime = 5 * time.Second
	// handshakeBytes bounds what is read during one.
	handshakeBytes = 16 << 10
	// maxReason is how many bytes are taken of the sentence of a Refusal.
	maxReason = 512
)

// stream is a connection after its handshake.
type stream struct {
	net.Conn
	remote Identity
	begun  []byte // already read from Conn, belongs before what it reads next
}

// dial connects to the address and shakes hands. Target 0 is whoever answers. It
// ends with ctx or the Transport.
func (t *Transport) dial(ctx context.Context, address string, kind streamKind, target partition.NodeID) (*stream, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTime)
	defer cancel()
	defer context.AfterFunc(t.ctx, cancel)()
	nc, err := t.cfg.Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })
	h := &hello{kind: kind, from: t.cfg.Self, target: target, serial: t.serials.Add(1), nonce: newNonce()}
	s, err := t.greet(nc, address, h)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		hangUp(nc)
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return nil, fmt.Errorf("handshake with %s: %w", address, err)
	}
	return s, nil
}

// dialPeer connects to a peer of the cluster.
func (t *Transport) dialPeer(ctx context.Context, to partition.NodeID, kind streamKind) (*stream, error) {
	address, ok := t.address(to)
	if !ok {
		return nil, errNoAddress
	}
	s, err := t.dial(ctx, address, kind, to)
	if errors.Is(err, syscall.ECONNREFUSED) {
		t.cfg.Handler.Refused(to)
	}
	if err != nil {
		return nil, err
	}
	if s.remote.Node != to || s.remote.Cluster != t.cfg.Self.Cluster {
		hangUp(s)
		return nil, fmt.Errorf("handshake with %s: node %v of cluster %v answered for %v", address, s.remote.Node, s.remote.Cluster, to)
	}
	if !t.hear(s.remote) {
		hangUp(s)
		return nil, fmt.Errorf("handshake with %s: %w", address, errStale)
	}
	return s, nil
}

// greet carries the dialling side of a handshake out.
func (t *Transport) greet(nc net.Conn, address string, h *hello) (*stream, error) {
	in := bufio.NewReader(io.LimitReader(nc, handshakeBytes))
	resp, err := ask(nc, in, address, h, "")
	if err != nil {
		return nil, err
	}
	challenged := resp.StatusCode == http.StatusUnauthorized && resp.Header.Get(headerNonce) != ""
	if !challenged && resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, readRefusal(resp)
	}
	w, err := readWelcome(resp.Header)
	if err != nil {
		return nil, err
	}
	switch {
	case challenged && t.cfg.Secret == "":
		err = &Refusal{http.StatusUnauthorized, "the peer wants the cluster secret: start this node with the same one"}
	case challenged:
		err = t.exchangeProofs(nc, in, address, h, w)
	case t.cfg.Secret != "":
		err = errNoProof
	}
	if err != nil {
		return nil, err
	}
	begun, _ := in.Peek(in.Buffered())
	return &stream{Conn: nc, remote: w.from, begun: begun}, nil
}

var errNoProof = &Refusal{http.StatusUnauthorized, "the peer does not prove that it knows the cluster secret: start it with the same one"}

// exchangeProofs answers a challenge, and checks that the peer can too.
func (t *Transport) exchangeProofs(nc net.Conn, in *bufio.Reader, address string, h *hello, w *welcome) error {
	resp, err := ask(nc, in, address, h, prove(t.cfg.Secret, dialling, h, w))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return readRefusal(resp)
	}
	if !sameProof(resp.Header.Get(headerProof), prove(t.cfg.Secret, answering, h, w)) {
		return errNoProof
	}
	return nil
}

// ask sends a request of the handshake and returns the answer's head.
func ask(nc net.Conn, in *bufio.Reader, address string, h *hello, proof string) (*http.Response, error) {
	r := &http.Request{Method: http.MethodGet, URL: &url.URL{Path: Path}, Host: address, Header: make(http.Header)}
	h.write(r.Header)
	if proof != "" {
		r.Header.Set(headerProof, proof)
	}
	if err := r.Write(nc); err != nil {
		return nil, err
	}
	return http.ReadResponse(in, r)
}

// readRefusal makes the answer that turned a handshake down an error.
func readRefusal(resp *http.Response) *Refusal {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxReason))
	reason := strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, string(text)))
	if reason == "" {
		reason = "refused with status " + resp.Status
	}
	return &Refusal{resp.StatusCode, reason}
}
