package contract_test

import (
	"slices"
	"testing"

	"pipelinedht/tests/harness"
)

func TestNodeIsReadyAndSaysThatItKeepsDataInMemory(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	t.Logf("ready in %v (promised: under 500 ms)", n.ReadyIn)
	a, err := n.Do("GET", "/", nil)
	if err != nil || a.Status != 200 || a.Body != "" {
		t.Errorf("GET /: got %d %q, %v, want 200 and no body", a.Status, a.Body, err)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if _, err := n.Do("GET", path, nil); err != nil {
			t.Error(err)
		}
	}
	expectLog(t, n, "memory")
}

func TestLonelyNodeListsItselfAndNothingElse(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	harness.CheckPeers(t, []*harness.Node{n})
	harness.VerifyListed(t, nil, n)
}

func TestMissingKeyIsAnEmptyBodyToldApartFromAnEmptyValue(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	path := harness.KeyPath("nothing")

	a, err := n.Do("GET", path, nil)
	must(t, err)
	if a.Status != 200 || a.Body != "" || a.Header.Get("DHT-Found") != "false" || a.Header.Get("ETag") != "" {
		t.Errorf("missing key: got %d %q, DHT-Found %q, ETag %q; want 200, no body, false, no ETag",
			a.Status, a.Body, a.Header.Get("DHT-Found"), a.Header.Get("ETag"))
	}
	a, err = n.Do("GET", path, nil, "Prefer", "handling=strict")
	if got := statusOf(t, a, err); got != 404 {
		t.Errorf("missing key with Prefer: handling=strict: got %d, want 404", got)
	}
	must(t, n.Delete("nothing"))

	must(t, n.Put("nothing", ""))
	a, err = n.Do("GET", path, nil, "Prefer", "handling=strict")
	must(t, err)
	if a.Body != "" || a.Header.Get("DHT-Found") == "false" || a.Header.Get("ETag") == "" {
		t.Errorf("empty value: got %q, DHT-Found %q, ETag %q; want no body, found, an ETag",
			a.Body, a.Header.Get("DHT-Found"), a.Header.Get("ETag"))
	}
}

func TestHundredKeysAndEverySecondDeleted(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	pairs := harness.Numbered("key", 100)
	harness.Load(t, pairs, n)
	harness.Verify(t, pairs, n)

	var deleted []string
	for i, key := range pairs.Keys() {
		if i%2 == 0 {
			must(t, n.Delete(key))
			delete(pairs, key)
			deleted = append(deleted, key)
		}
	}
	harness.Verify(t, pairs, n)
	harness.VerifyMissing(t, deleted, n)
}

func TestPostUpsertsAsPutDoes(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for _, step := range []struct{ method, value string }{{"POST", "one"}, {"PUT", "two"}, {"POST", "three"}} {
		_, err := n.Do(step.method, harness.KeyPath("k"), []byte(step.value))
		must(t, err)
		harness.Verify(t, harness.Pairs{"k": step.value}, n)
	}
}

func TestHeadMirrorsGet(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	must(t, n.Put("k", "seven..."))
	for _, key := range []string{"k", "missing"} {
		get, err := n.Do("GET", harness.KeyPath(key), nil)
		must(t, err)
		head, err := n.Do("HEAD", harness.KeyPath(key), nil)
		must(t, err)
		if head.Status != get.Status || head.Body != "" {
			t.Errorf("HEAD of %s: got %d %q, want %d and no body", key, head.Status, head.Body, get.Status)
		}
		for _, name := range []string{"ETag", "DHT-Found", "Content-Length", "DHT-Partition", "DHT-Served-By", "DHT-Ring-Version"} {
			if got, want := head.Header.Get(name), get.Header.Get(name); got != want {
				t.Errorf("HEAD of %s: %s: got %q, want %q as with GET", key, name, got, want)
			}
		}
	}
}

func TestAnswersNameRingVersionPartitionAndServer(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for _, method := range []string{"PUT", "GET", "HEAD", "DELETE"} {
		a, err := n.Do(method, harness.KeyPath("k"), nil)
		must(t, err)
		for _, name := range []string{"DHT-Ring-Version", "DHT-Partition", "DHT-Served-By"} {
			if a.Header.Get(name) == "" {
				t.Errorf("%s of a key: no %s in the answer", method, name)
			}
		}
	}
}

func TestLonelyNodeLeavesWithoutAnyChange(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	pairs := harness.Numbered("key", 20)
	harness.Load(t, pairs, n)
	before, err := n.Ring()
	must(t, err)
	for _, method := range []string{"GET", "POST"} {
		_, err := n.Do(method, "/dht/leave", nil)
		must(t, err)
	}
	after, err := n.Ring()
	must(t, err)
	if before.Version != after.Version || before.Cluster != after.Cluster {
		t.Errorf("ring: got version %d of cluster %s, want %d of %s as before",
			after.Version, after.Cluster, before.Version, before.Cluster)
	}
	harness.Verify(t, pairs, n)
}

func TestRingAnswersWithItsVersionAsETagAndOneKeysPlace(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	a, err := n.Do("GET", "/dht/ring", nil)
	must(t, err)
	etag := a.Header.Get("ETag")
	if etag == "" {
		t.Error("GET /dht/ring: no ETag")
	}
	again, err := n.Do("GET", "/dht/ring", nil, "If-None-Match", etag)
	if got := statusOf(t, again, err); got != 304 {
		t.Errorf("GET /dht/ring with If-None-Match: %s: got %d, want 304", etag, got)
	}
	a, err = n.Do("GET", "/dht/ring?key=a%2Fb", nil)
	must(t, err)
	key, err := n.Do("GET", harness.KeyPath("a/b"), nil)
	must(t, err)
	expectJSONNumber(t, a.Body, "partition", key.Header.Get("DHT-Partition"))
}

func TestJSONRoutesAnswerJSON(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for path, fields := range map[string][]string{
		"/dht/raft":   {"state", "term", "leader"},
		"/dht/ring":   {"version", "peers", "table"},
		"/dht/status": {},
	} {
		a, err := n.Do("GET", path, nil)
		must(t, err)
		got := jsonFields(t, path, a)
		for _, field := range fields {
			if !slices.Contains(got, field) {
				t.Errorf("GET %s: no field %q, only %q", path, field, got)
			}
		}
	}
}
