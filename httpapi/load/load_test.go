package load

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// enough is how long a load runs of which a few requests are wanted, on a busy
// machine too.
const enough = time.Second

// serve starts a server that answers with h and returns its address.
func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// table is a server's memory of what it was sent.
type table struct {
	mu     sync.Mutex
	values map[string]string
	puts   int
	gets   int
}

func (s *table) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	key := strings.TrimPrefix(r.URL.Path, "/db/")
	s.mu.Lock()
	defer s.mu.Unlock()
	switch r.Method {
	case http.MethodPut:
		s.puts++
		s.values[key] = string(body)
	case http.MethodDelete:
		delete(s.values, key)
	default:
		s.gets++
		io.WriteString(w, s.values[key])
	}
}

func TestALoadSendsItsMixToAllTargets(t *testing.T) {
	t.Parallel()
	var tables [2]table
	var targets []Target
	for i := range tables {
		tables[i].values = make(map[string]string)
		targets = append(targets, Target{serve(t, tables[i].ServeHTTP), Numbered("k", 10)})
	}
	l := Load{Targets: targets, Connections: 4, Reads: 0.5, ValueBytes: 2000, Skew: YCSBSkew}
	result, err := l.Run(t.Context(), enough)
	if err != nil || result.Failures() > 0 || result.Elapsed < enough {
		t.Fatalf("got %+v failures in %v, %v, want none in %v", result.Failed, result.Elapsed, err, enough)
	}
	if gets := tables[0].gets + tables[1].gets; result.Reads.Count() != gets || gets == 0 {
		t.Errorf("got %d reads counted of %d", result.Reads.Count(), gets)
	}
	if puts := tables[0].puts + tables[1].puts; result.Writes.Count() != puts || puts == 0 {
		t.Errorf("got %d writes counted of %d", result.Writes.Count(), puts)
	}
	for i := range tables {
		if tables[i].puts == 0 {
			t.Errorf("target %d got nothing", i)
		}
		for key, value := range tables[i].values {
			if len(key) != len("k")+numberDigits || len(value) != 2000 {
				t.Errorf("target %d: got key %q with %d bytes", i, key, len(value))
			}
		}
	}
}

func TestNoTwoValuesAreTheSame(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := make(map[string]bool)
	puts := 0
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		seen[string(body)] = true
		puts++
	})
	l := Load{Targets: []Target{{address, Numbered("k", 1)}}, Connections: 2, ValueBytes: StampBytes}
	if _, err := l.Run(t.Context(), enough); err != nil {
		t.Fatal(err)
	}
	if len(seen) != puts || puts == 0 {
		t.Errorf("got %d values in %d puts", len(seen), puts)
	}
}

func TestThinkTimeIsBetweenRequests(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	address := serve(t, func(http.ResponseWriter, *http.Request) { n.Add(1) })
	l := Load{Targets: []Target{{address, Numbered("k", 10)}}, Connections: 2, Reads: 1, Think: enough / 4}
	if _, err := l.Run(t.Context(), enough); err != nil || n.Load() < 2 || n.Load() > 8 {
		t.Errorf("got %d requests, %v, want at most 4 of each connection", n.Load(), err)
	}
}

func TestRefusedRequestsAreCountedByStatus(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	l := Load{Targets: []Target{{address, Numbered("k", 10)}}, Connections: 1, Reads: 1}
	result, err := l.Run(t.Context(), enough)
	if err != nil || result.Done() == 0 || result.Failed[http.StatusServiceUnavailable] != result.Failures() || result.Err != nil {
		t.Fatalf("got %d done, failed %v, %v, %v", result.Done(), result.Failed, result.Err, err)
	}
	if sum := int64(result.Done() + result.Failures()); sum != n.Load() {
		t.Errorf("got %d requests counted of %d", sum, n.Load())
	}
}

func TestABrokenConnectionIsAFailureAndAClosedOneIsNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end   func(http.ResponseWriter)
		fails bool
	}{
		"broken": {func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, true},
		"closed": {func(w http.ResponseWriter) { w.Header().Set("Connection", "close") }, false},
	} {
		var n atomic.Int64
		address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if n.Add(1)%3 == 0 {
				c.end(w)
			}
		})
		l := Load{Targets: []Target{{address, Numbered("k", 10)}}, Connections: 1, Reads: 1}
		result, err := l.Run(t.Context(), enough)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Failed[NoAnswer] > 0; got != c.fails || (result.Err != nil) != c.fails {
			t.Errorf("%s: got %v failed, %v, want some: %v", name, result.Failed, result.Err, c.fails)
		}
		if n.Load() < 4 {
			t.Errorf("%s: got %d requests, want some after the connection's end", name, n.Load())
		}
	}
}

func TestStoppingReturnsWhatThereIs(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	address := serve(t, func(http.ResponseWriter, *http.Request) {})
	watched := 0
	l := Load{Targets: []Target{{address, Numbered("k", 10)}}, Connections: 3, Reads: 1}
	l.Watch = func(since *Tally) {
		watched += since.Done()
		cancel()
	}
	result, err := l.Run(ctx, time.Hour)
	if err != nil || result.Failures() > 0 {
		t.Fatalf("got %v failed, %v, want neither", result.Failed, err)
	}
	if watched == 0 || result.Done() < watched {
		t.Errorf("got %d requests in all, %d of them while watched", result.Done(), watched)
	}
}

func TestStoppingDoesNotWaitForASilentServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-release
	})
	defer close(release)
	l := Load{Targets: []Target{{address, Numbered("k", 10)}}, Connections: 1, Reads: 1}
	result, err := l.Run(ctx, time.Hour)
	if err != nil || result.Done() != 0 || result.Failures() != 0 {
		t.Errorf("got %d done, %v failed, %v, want nothing", result.Done(), result.Failed, err)
	}
}

func TestNobodyThereIsAnError(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	l := Load{Targets: []Target{{ln.Addr().String(), Numbered("k", 1)}}, Connections: 1, Reads: 1}
	if _, err := l.Run(t.Context(), time.Hour); err == nil {
		t.Error("got no error from a port that nobody listens at")
	}
}

func TestLoadsThatCannotBe(t *testing.T) {
	t.Parallel()
	good := func() Load {
		return Load{Targets: []Target{{"127.0.0.1:1", Numbered("k", 1)}}, Connections: 1, ValueBytes: 8}
	}
	for name, change := range map[string]func(*Load){
		"no target":              func(l *Load) { l.Targets = nil },
		"no keys":                func(l *Load) { l.Targets[0].Keys = Numbered("k", 0) },
		"an empty key":           func(l *Load) { l.Targets[0].Keys = Listed([]string{""}) },
		"a key to be escaped":    func(l *Load) { l.Targets[0].Keys = Listed([]string{"a/b"}) },
		"no connection":          func(l *Load) { l.Connections = 0 },
		"a value without stamp":  func(l *Load) { l.ValueBytes = 7 },
		"more reads than all":    func(l *Load) { l.Reads = 1.1 },
		"a skew beyond the sum":  func(l *Load) { l.Skew = 1 },
		"a skew towards the end": func(l *Load) { l.Skew = -0.1 },
	} {
		l := good()
		change(&l)
		var refused *net.OpError
		if _, err := l.Run(t.Context(), time.Second); err == nil || errors.As(err, &refused) {
			t.Errorf("%s: got %v, want an error before anything is sent", name, err)
		}
	}
}
