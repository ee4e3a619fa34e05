package node

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// quietPair returns the two ends of a connection as nodes have them.
func quietPair(t *testing.T) (dialled, accepted net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if dialled, err = dialQuietly(t.Context(), ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if accepted, err = (quietListener{ln}).Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		dialled.Close()
		accepted.Close()
	})
	return dialled, accepted
}

// What is written in pieces of any size, faster than it is read, arrives as it was.
func TestAQuietConnectionCarriesBytes(t *testing.T) {
	from, to := quietPair(t)
	sent := make([]byte, 9<<20)
	for i := range sent {
		sent[i] = byte(i * 7 >> 3)
	}
	failed := make(chan error, 1)
	go func() {
		rest, sizes := sent, []int{1, 1000, briefBytes - 1, briefBytes, briefBytes + 1, 3 * briefBytes}
		for i := 0; len(rest) > 0; i++ {
			piece := rest[:min(len(rest), sizes[i%len(sizes)])]
			if n, err := from.Write(piece); n != len(piece) || err != nil {
				failed <- err
				return
			}
			rest = rest[len(piece):]
		}
		failed <- from.(interface{ CloseWrite() error }).CloseWrite()
	}()
	got, err := io.ReadAll(to)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("read %d bytes, %v, want the %d that were written", len(got), err, len(sent))
	}
	if err := <-failed; err != nil {
		t.Errorf("write: %v", err)
	}
}

func TestAQuietConnectionFailsAsOthersDo(t *testing.T) {
	a, b := quietPair(t)
	buf := make([]byte, 100)
	a.SetReadDeadline(time.Now().Add(time.Millisecond))
	if _, err := a.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read beyond the deadline: %v", err)
	}
	a.SetReadDeadline(time.Time{})
	a.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	piece, written := make([]byte, briefBytes), 0
	var err error
	for err == nil && written < 1<<30 {
		var n int
		n, err = a.Write(piece)
		written += n
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) || written == 0 {
		t.Errorf("write of %d bytes that nobody takes: %v", written, err)
	}
	closed := make(chan error, 1)
	go func() {
		_, err := a.Read(buf)
		closed <- err
	}()
	a.Close()
	if err := <-closed; !errors.Is(err, net.ErrClosed) {
		t.Errorf("read of what is closed meanwhile: %v", err)
	}
	b.SetDeadline(time.Now().Add(time.Minute))
	if n, err := io.Copy(io.Discard, b); n > int64(written) || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d of %d bytes came, %v", n, written, err)
	}
	for err = nil; err == nil; {
		_, err = b.Write(buf)
	}
	if !errors.Is(err, syscall.EPIPE) && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("write to one that is gone: %v", err)
	}
}
