package network

import (
	"errors"
	"os/exec"
	"slices"
	"syscall"
	"testing"
)

func TestPacketsAreDroppedByPairAndDirection(t *testing.T) {
	t.Parallel()
	if err := PacketsAllowed(); err != nil {
		t.Logf("not on this machine: %v", err)
		return
	}
	p, err := NewPackets()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	hosts := make(map[string]host)
	for _, name := range []string{"a", "b", "c"} {
		var h host
		if h.ip, h.prefix, err = p.Host(name); err != nil {
			t.Fatal(err)
		}
		hosts[name] = h
	}
	for _, way := range []Way{{"a", "b"}, {"b", "a"}} {
		if err := p.Set(Rule{Hold: true}, way); err != nil {
			t.Fatal(err)
		}
		if hosts["a"].reaches(t, hosts["b"]) {
			t.Errorf("%v held: a reaches b", way)
		}
		if !hosts["a"].reaches(t, hosts["c"]) || !hosts["c"].reaches(t, hosts["b"]) {
			t.Errorf("%v held: others are cut off, too", way)
		}
		if _, err := p.Dial(t.Context(), "tcp", hosts["b"].ip+":80"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("%v held: a client at b: got %v, want %v", way, err, syscall.ECONNREFUSED)
		}
		if err := p.Heal(); err != nil {
			t.Fatal(err)
		}
		if !hosts["a"].reaches(t, hosts["b"]) {
			t.Errorf("%v healed: a does not reach b", way)
		}
	}
}

// host is what Packets.Host returned.
type host struct {
	ip     string
	prefix []string
}

// reaches connects to a port where nobody listens: the other host says so at once,
// unless packets are dropped on the way there or back.
func (h host) reaches(t *testing.T, other host) bool {
	t.Helper()
	const refused = 1 // the exit status; that of timeout is another one
	line := slices.Concat(h.prefix, []string{"timeout", "1", "bash", "-c", "exec 3<>/dev/tcp/" + other.ip + "/80"})
	err := exec.Command(line[0], line[1:]...).Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("connect to a port where nobody listens: %v", err)
	}
	return exit.ExitCode() == refused
}
