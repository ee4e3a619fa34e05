package contract_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pipelinedht/tests/harness"
)

func TestEmptyKeyIsRefused(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for _, method := range []string{"GET", "PUT", "POST", "DELETE"} {
		a, err := n.Do(method, "/db/", nil)
		expectRefusal(t, method+" of the empty key", a, err, 400)
	}
	harness.VerifyListed(t, nil, n)
}

func TestKeyTooLargeIsRefusedBeforeTheBody(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for _, size := range []int{4097, 100_000} {
		key := strings.Repeat("k", size)
		a, err := n.Raw("PUT /db/"+key+" HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", false)
		must(t, err)
		expectRefusal(t, fmt.Sprintf("PUT of a key of %d bytes", size), a, nil, 414)
		a, err = n.Do("GET", "/db/"+key, nil)
		expectRefusal(t, fmt.Sprintf("GET of a key of %d bytes", size), a, err, 414)
	}
	harness.VerifyListed(t, nil, n)
}

func TestValueTooLargeIsRefusedBeforeTheBody(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	a, err := n.Raw(fmt.Sprintf("PUT /db/k HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", maxValue+1), false)
	must(t, err)
	expectRefusal(t, "PUT that announces 16 MiB and a byte", a, nil, 413)

	chunk := fmt.Sprintf("%x\r\n%s\r\n", 1<<20, strings.Repeat("v", 1<<20))
	a, err = n.Raw("PUT /db/k HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"+strings.Repeat(chunk, 16)+"1\r\nv\r\n0\r\n\r\n", false)
	must(t, err)
	expectRefusal(t, "PUT in chunks of 16 MiB and a byte", a, nil, 413)
	harness.VerifyListed(t, nil, n)
}

func TestBodyThatStopsHalfWayChangesNothing(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	must(t, n.Put("k", "whole"))
	for what, head := range map[string]string{
		"length":  "Content-Length: 100\r\n\r\nhalf",
		"chunked": "Transfer-Encoding: chunked\r\n\r\n64\r\nhalf",
	} {
		// The client has gone: an answer is welcome, but nobody may be there.
		a, err := n.Raw("PUT /db/k HTTP/1.1\r\nHost: x\r\n"+head, true)
		if err == nil {
			expectRefusal(t, "PUT that stops half way, "+what, a, nil, 400)
		} else {
			t.Logf("PUT that stops half way, %s: %v", what, err)
		}
		a, err = n.Raw("POST /dht/join HTTP/1.1\r\nHost: x\r\n"+head, true)
		if err == nil {
			expectRefusal(t, "join that stops half way, "+what, a, nil, 400)
		}
		harness.Verify(t, harness.Pairs{"k": "whole"}, n)
	}
	harness.CheckPeers(t, []*harness.Node{n})
}

func TestWrongMethodsNameTheRightOnes(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for path, allowed := range map[string][]string{
		"/":           {"GET", "HEAD"},
		"/db":         {"GET", "HEAD"},
		"/db/k":       {"GET", "HEAD", "PUT", "POST", "DELETE"},
		"/dht/peers":  {"GET", "HEAD"},
		"/dht/join":   {"PUT", "POST"},
		"/dht/leave":  {"GET", "POST"},
		"/dht/forget": {"POST"},
		"/dht/raft":   {"GET", "HEAD"},
		"/dht/ring":   {"GET", "HEAD"},
	} {
		for _, method := range []string{"PATCH", "DELETE", "BREW"} {
			if path == "/db/k" && method == "DELETE" {
				continue
			}
			a, err := n.Do(method, path, nil)
			expectRefusal(t, method+" "+path, a, err, 405)
			for _, want := range allowed {
				if !strings.Contains(a.Header.Get("Allow"), want) {
					t.Errorf("%s %s: Allow: got %q, want %s among them", method, path, a.Header.Get("Allow"), want)
				}
			}
		}
	}
}

func TestUnknownRoutesAreNotFound(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for _, path := range []string{"/nothing", "/dht", "/dht/", "/dht/nothing", "/DB/k", "/dht/peers/", "/index.html", "/%2e%2e/db"} {
		a, err := n.Do("GET", path, nil)
		expectRefusal(t, "GET "+path, a, err, 404)
	}
}

func TestErrorsAreProblemDetailsWhereJSONIsAskedFor(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for path, status := range map[string]int{"/nothing": 404, "/db/": 400, "/db/" + strings.Repeat("k", 5000): 414} {
		a, err := n.Do("GET", path, nil, "Accept", "application/json")
		if got := statusOf(t, a, err); got != status {
			t.Errorf("GET %.20s: got %d, want %d", path, got, status)
		}
		if kind := a.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/problem+json") {
			t.Errorf("GET %.20s: Content-Type: got %q, want application/problem+json", path, kind)
		}
		var problem struct {
			Status        int
			Title, Detail string
		}
		if err := json.Unmarshal([]byte(a.Body), &problem); err != nil || problem.Status != status || problem.Title+problem.Detail == "" {
			t.Errorf("GET %.20s: got %q (%v), want a problem with status %d and a text", path, a.Body, err, status)
		}
	}
}

func TestBadConditionsAreRefused(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for _, header := range [][2]string{{"If-Match", "unquoted"}, {"If-Match", `"open`}, {"If-None-Match", `"1`}} {
		a, err := n.Do("PUT", harness.KeyPath("k"), []byte("v"), header[0], header[1])
		expectRefusal(t, fmt.Sprintf("PUT with %s: %s", header[0], header[1]), a, err, 400)
	}
	harness.VerifyListed(t, nil, n)
}

func TestBytesThatAreNoHTTPHarmNobody(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	must(t, n.Put("k", "v"))
	for what, bytes := range map[string]string{
		"binary":          strings.Repeat("\x00\xff\x16\x03", 1000),
		"no host":         "GET /db/k HTTP/1.1\r\n\r\n",
		"bad escape":      "GET /db/%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"bad length":      "PUT /db/k HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"endless header":  "GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 2<<20),
		"peer without id": "GET /dht/peer HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: dht\r\n\r\n",
	} {
		a, err := n.Raw(bytes, true)
		if err == nil && a.Status/100 == 2 {
			t.Errorf("%s: got %d %q, want an error or a closed connection", what, a.Status, a.Body)
		}
	}
	harness.Verify(t, harness.Pairs{"k": "v"}, n)
}
