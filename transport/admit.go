package transport

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
)

// admit carries the answering side of a handshake out and starts what follows.
// stop ends the watch over ctx; false: ctx has ended.
func (t *Transport) admit(ctx context.Context, nc net.Conn, h *hello, stop func() bool) error {
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
	return t.admitFrames(ctx, s, h, begin)
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

// admitFrames starts a connection of frames, once an older one in its place is
// done and begin has said so to the other end.
func (t *Transport) admitFrames(ctx context.Context, s *stream, h *hello, begin func() error) error {
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
