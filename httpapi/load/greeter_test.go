package load

import (
	"bufio"
	"net"
	"sync/atomic"
	"testing"
)

// polite is a protocol of lines: a client says hello first, and then asks.
type polite struct{}

func (polite) Speaker(int, int) Speaker                { return polite{} }
func (polite) Greet() []byte                           { return []byte("hello\n") }
func (polite) Request(_ Op, _ []byte, _ uint64) []byte { return []byte("what?\n") }
func (polite) Answer(r *bufio.Reader) (int, error) {
	_, err := r.ReadSlice('\n')
	return StatusOK, err
}

func TestAGreeterSpeaksFirstOnEachConnection(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	var greeted, rude atomic.Int64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			lines := bufio.NewReader(conn)
			// Each connection is closed after one answer.
			for _, want := range []string{"hello\n", "what?\n"} {
				if line, err := lines.ReadString('\n'); err == nil && line != want {
					rude.Add(1)
				}
			}
			greeted.Add(1)
			conn.Write([]byte("so\n"))
			conn.Close()
		}
	}()
	l := Load{Targets: []Target{{listener.Addr().String(), Numbered("k", 10)}}, Dialect: polite{}, Connections: 2, Reads: 1}
	result, err := l.Run(t.Context(), enough)
	if err != nil {
		t.Fatal(err)
	}
	if rude.Load() > 0 || result.Done() == 0 || greeted.Load() < 3 {
		t.Errorf("got %d answers on %d connections, %d lines out of turn, want some on more than two, and none", result.Done(), greeted.Load(), rude.Load())
	}
}

func TestASweepGreetsToo(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	first := make(chan string, 1)
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		lines := bufio.NewReader(conn)
		line, _ := lines.ReadString('\n')
		first <- line
		for range 5 {
			lines.ReadString('\n')
			conn.Write([]byte("so\n"))
		}
	}()
	s := Sweep{Addresses: []string{listener.Addr().String()}, Dialect: polite{}, Connections: 1, Op: Get, Keys: Numbered("k", 5)}
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := <-first; got != "hello\n" {
		t.Errorf("the first line of a sweep: got %q, want hello", got)
	}
}
