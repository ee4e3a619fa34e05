package load_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// tally is what came of all requests.
type tally struct {
	running sync.WaitGroup

	mu      sync.Mutex // guards the following
	done    int
	refused int                 // 503 with Retry-After: nothing took effect
	unknown int                 // 504, or no whole answer
	wrong   []string            // any other answer
	slowest time.Duration       // of those done
	acked   map[string]string   // by key: how the value begins that was acknowledged last
	maybe   map[string][]string // and those whose outcome is unknown since
}

func newTally() *tally {
	return &tally{acked: make(map[string]string), maybe: make(map[string][]string)}
}

func (y *tally) String() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return fmt.Sprintf("%d done, %d refused, %d unknown; the slowest took %v", y.done, y.refused, y.unknown, y.slowest.Round(time.Millisecond))
}

// sizes of values; a large one takes memory that is bounded.
var sizes = []int{100, 100, 1000, 10_000, 100_000, mib / 2}

var padding = strings.Repeat("v", slices.Max(sizes))

// pause is what a client that is refused waits, at most: much less than it is told
// to.
const pause = 300 * time.Millisecond

// insist puts values of all sizes until end, on one connection as long as that
// holds.
func (y *tally) insist(address, name string, r *rand.Rand, end time.Time) {
	var c *conn
	for i := 0; time.Now().Before(end); i++ {
		if c == nil {
			var err error
			if c, err = dial(address); err != nil {
				y.note("dial: %v", err)
				return
			}
		}
		key, value := fmt.Sprintf("%s-%d", name, r.IntN(3)), fmt.Sprintf("%s.%d.", name, i)
		status := y.put(c, key, value, sizes[r.IntN(len(sizes))])
		if status == 0 {
			c.Close()
			c = nil
		}
		if status != 200 {
			<-time.After(rand.N(pause))
		}
	}
	if c != nil {
		c.Close()
	}
}

// once puts one value on a connection of its own.
func (y *tally) once(address, key string) {
	c, err := dial(address)
	if err != nil {
		y.note("dial: %v", err)
		return
	}
	defer c.Close()
	y.put(c, key, key+".", 1000)
}

// put sends one request and takes down what came of it. It returns the status, 0
// for no answer.
func (y *tally) put(c *conn, key, value string, size int) (status int) {
	began := time.Now()
	resp, text, err := c.ask("PUT", harness.KeyPath(key), value+padding[:size])
	took := time.Since(began)
	y.mu.Lock()
	defer y.mu.Unlock()
	switch {
	case err != nil:
		y.unknown++
		y.maybe[key] = append(y.maybe[key], value)
		return 0
	case resp.StatusCode == 200:
		y.done++
		y.slowest = max(y.slowest, took)
		y.acked[key], y.maybe[key] = value, nil
	case resp.StatusCode == 503 && resp.Header.Get("Retry-After") != "":
		y.refused++
	case resp.StatusCode == 504 && resp.Header.Get("DHT-Outcome") == "unknown":
		y.unknown++
		y.maybe[key] = append(y.maybe[key], value)
	default:
		y.wrong = append(y.wrong, fmt.Sprintf("PUT %s: %d %s", key, resp.StatusCode, text))
	}
	return resp.StatusCode
}

func (y *tally) note(format string, args ...any) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.wrong = append(y.wrong, fmt.Sprintf(format, args...))
}

// verify fails the test where nothing was done or refused, an answer was wrong, or
// a key does not hold what was acknowledged last, or what was sent and not answered
// since.
func (y *tally) verify(t *testing.T, nodes []*harness.Node) {
	t.Helper()
	if y.done == 0 || y.refused == 0 {
		t.Errorf("%v: want many of both", y)
	}
	if len(y.wrong) > 0 {
		t.Errorf("%d answers are wrong, such as %q", len(y.wrong), y.wrong[:min(len(y.wrong), 5)])
	}
	var keys []string
	for key := range y.acked {
		keys = append(keys, key)
	}
	must(t, harness.EachKey(keys, 8, func(i int, key string) error {
		got, _, err := nodes[i%len(nodes)].Get(key)
		if err != nil {
			return err
		}
		for _, may := range append(y.maybe[key], y.acked[key]) {
			if strings.HasPrefix(got, may) {
				return nil
			}
		}
		return fmt.Errorf("%s: got %.60q, want it to begin with %q", key, got, y.acked[key])
	}))
}
