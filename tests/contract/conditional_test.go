package contract_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"pipelinedht/tests/harness"
)

// Places in a header value of the cases below.
const (
	current = "<current>" // the ETag of the key's value
	stale   = "<stale>"   // the ETag of a value that it had before
)

type conditionalCase struct {
	name    string
	present bool // whether the key has a value before
	method  string
	header  [2]string
	status  int
	changed bool // whether the request takes effect
}

var conditionalCases = []conditionalCase{
	{"put if absent, missing", false, "PUT", [2]string{"If-None-Match", "*"}, 200, true},
	{"put if absent, present", true, "PUT", [2]string{"If-None-Match", "*"}, 412, false},
	{"put if present, missing", false, "PUT", [2]string{"If-Match", "*"}, 412, false},
	{"put if present, present", true, "PUT", [2]string{"If-Match", "*"}, 200, true},
	{"put if current", true, "PUT", [2]string{"If-Match", current}, 200, true},
	{"put if one of several", true, "PUT", [2]string{"If-Match", stale + ", " + current}, 200, true},
	{"put if stale", true, "PUT", [2]string{"If-Match", stale}, 412, false},
	{"put if weak", true, "PUT", [2]string{"If-Match", "W/" + current}, 412, false},
	{"put if tagged, missing", false, "PUT", [2]string{"If-Match", `"1"`}, 412, false},
	{"post if absent, present", true, "POST", [2]string{"If-None-Match", "*"}, 412, false},
	{"delete if current", true, "DELETE", [2]string{"If-Match", current}, 200, true},
	{"delete if stale", true, "DELETE", [2]string{"If-Match", stale}, 412, false},
	{"delete if present, missing", false, "DELETE", [2]string{"If-Match", "*"}, 412, false},
	{"get unless current", true, "GET", [2]string{"If-None-Match", current}, 304, false},
	{"get unless stale", true, "GET", [2]string{"If-None-Match", stale}, 200, false},
	{"get unless weakly current", true, "GET", [2]string{"If-None-Match", "W/" + current}, 304, false},
	{"get unless tagged, missing", false, "GET", [2]string{"If-None-Match", `"1"`}, 200, false},
}

func TestConditionalRequestsThroughEveryNode(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 3)
	for i, c := range conditionalCases {
		for j, n := range nodes {
			t.Run(fmt.Sprintf("%s, through %s", c.name, n.Name), func(t *testing.T) {
				c.check(t, fmt.Sprintf("key-%d-%d", i, j), n, nodes[(j+1)%len(nodes)])
			})
		}
	}
}

// check prepares the key through other, sends the request through n and reads
// what it did through other.
func (c conditionalCase) check(t *testing.T, key string, n, other *harness.Node) {
	path := harness.KeyPath(key)
	first, err := other.Do("PUT", path, []byte("before"))
	must(t, err)
	second, err := other.Do("PUT", path, []byte("old"))
	must(t, err)
	if first.Header.Get("ETag") == "" || first.Header.Get("ETag") == second.Header.Get("ETag") {
		t.Fatalf("two writes: got ETags %q and %q, want two that differ", first.Header.Get("ETag"), second.Header.Get("ETag"))
	}
	want := harness.Pairs{key: "old"}
	if !c.present {
		must(t, other.Delete(key))
		delete(want, key)
	}
	tags := strings.NewReplacer(current, second.Header.Get("ETag"), stale, first.Header.Get("ETag"))

	var body []byte
	if c.method != "GET" && c.method != "DELETE" {
		body = []byte("new")
	}
	a, err := n.Do(c.method, path, body, c.header[0], tags.Replace(c.header[1]))
	if got := statusOf(t, a, err); got != c.status {
		t.Errorf("got %d %q, want %d", got, a.Body, c.status)
	}
	if c.status == 304 && (a.Body != "" || a.Header.Get("ETag") != second.Header.Get("ETag")) {
		t.Errorf("304: got body %q and ETag %q, want no body and %q", a.Body, a.Header.Get("ETag"), second.Header.Get("ETag"))
	}
	switch {
	case c.changed && c.method == "DELETE":
		delete(want, key)
	case c.changed:
		want[key] = "new"
		get, err := other.Do("GET", path, nil)
		must(t, err)
		if get.Header.Get("ETag") != a.Header.Get("ETag") {
			t.Errorf("ETag: the write said %q, the read %q", a.Header.Get("ETag"), get.Header.Get("ETag"))
		}
	}
	harness.VerifyValues(t, want, other)
	if len(want) == 0 {
		harness.VerifyMissing(t, []string{key}, other)
	}
}

func TestOnlyOneOfManyCreatesAKey(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 3)
	for round := range 20 {
		key := fmt.Sprintf("key-%d", round)
		var created atomic.Int64
		err := harness.Together(slices.Repeat(nodes, 4), func(n *harness.Node) error {
			a, err := n.Do("PUT", harness.KeyPath(key), []byte("mine"), "If-None-Match", "*")
			switch a.Status {
			case 200:
				created.Add(1)
			case 412:
			default:
				return err
			}
			return nil
		})
		if err != nil || created.Load() != 1 {
			t.Errorf("%s: created %d times, want once; %v", key, created.Load(), err)
		}
	}
}

func TestCounterByIfMatchLosesNoIncrement(t *testing.T) {
	t.Parallel()
	const increments = 15
	nodes := harness.Cluster(t, 3)
	must(t, nodes[0].Put("counter", "0"))
	clients := slices.Repeat(nodes, 2)
	err := harness.Together(clients, func(n *harness.Node) error {
		for range increments {
			if err := increment(n, "counter"); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, err)
	harness.Verify(t, harness.Pairs{"counter": strconv.Itoa(increments * len(clients))}, nodes...)
}

// increment adds one to the number at key by compare-and-set.
func increment(n *harness.Node, key string) error {
	for {
		a, err := n.Do("GET", harness.KeyPath(key), nil)
		if err != nil {
			return err
		}
		number, err := strconv.Atoi(a.Body)
		if err != nil {
			return err
		}
		a, err = n.Do("PUT", harness.KeyPath(key), []byte(strconv.Itoa(number+1)), "If-Match", a.Header.Get("ETag"))
		if err == nil || a.Status != 412 {
			return err
		}
	}
}
