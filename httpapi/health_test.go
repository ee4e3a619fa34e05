package httpapi_test

import (
	"strings"
	"testing"

	"pipelinedht/httpapi"
)

func TestHealth(t *testing.T) {
	f := start(t, httpapi.Limits{})
	for _, path := range []string{"/", "/healthz", "/readyz"} {
		f.ask(t, "GET", path, "").expect(t, 200, "")
	}
	f.cluster.fail = errNotReady
	f.ask(t, "GET", "/healthz", "").expect(t, 200, "")
	for _, path := range []string{"/", "/readyz"} {
		a := f.ask(t, "GET", path, "")
		a.expectLine(t, 503, "not ready: the copies are not in sync yet")
		a.expectHeader(t, "Retry-After", "1")
	}
}

func TestStatusIsJSON(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.ask(t, "GET", "/dht/raft", "").expect(t, 200, `{"state":"leader","term":4}`+"\n")
	a := f.ask(t, "GET", "/dht/status", "")
	a.expect(t, 200, `{"name":"peer3"}`+"\n")
	a.expectHeader(t, "Content-Type", "application/json")
}

func TestRoutesThatDoNotExist(t *testing.T) {
	f := start(t, httpapi.Limits{})
	for _, path := range []string{"/nothing", "/db.", "/DB/k", "/dht", "/dht/", "/dht/peers/", "/dht%2Fpeers", "//", "/./", "/dht/../db", "/dht/peer"} {
		f.ask(t, "GET", path, "").expectLine(t, 404, "there is no")
	}
	f.ask(t, "GET", "/"+strings.Repeat("x", 10_000), "").expectLine(t, 404, "xxx... here")
}

func TestMethodsThatRoutesDoNotHave(t *testing.T) {
	f := start(t, httpapi.Limits{})
	for path, allow := range map[string]string{
		"/": "GET, HEAD", "/db": "GET, HEAD", "/dht/peers": "GET, HEAD", "/dht/ring": "GET, HEAD", "/dht/raft": "GET, HEAD",
		"/dht/status": "GET, HEAD", "/dht/join": "POST, PUT", "/dht/leave": "GET, POST", "/dht/forget": "POST", "/healthz": "GET, HEAD",
		"/readyz": "GET, HEAD", "/metrics": "GET, HEAD", "/db/k": "GET, HEAD, PUT, POST, DELETE",
	} {
		for _, method := range []string{"PATCH", "OPTIONS", "BREW"} {
			a := f.ask(t, method, path, "")
			a.expectLine(t, 405, method+" is not possible here: use "+allow)
			a.expectHeader(t, "Allow", allow)
		}
	}
}

func TestMetricsCountWhatWasAnswered(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.ask(t, "PUT", "/db/k", "v")
	for range 3 {
		f.ask(t, "GET", "/db/k", "")
	}
	f.ask(t, "GET", "/db/missing", "", "Prefer: handling=strict")
	f.ask(t, "BREW", "/db/k", "")
	f.ask(t, "GET", "/nothing", "")
	a := f.ask(t, "GET", "/metrics", "")
	for _, line := range []string{
		`dht_http_requests_total{code="200",method="PUT",route="/db/{key}"} 1`,
		`dht_http_requests_total{code="200",method="GET",route="/db/{key}"} 3`,
		`dht_http_requests_total{code="404",method="GET",route="/db/{key}"} 1`,
		`dht_http_requests_total{code="405",method="other",route="/db/{key}"} 1`,
		`dht_http_requests_total{code="404",method="GET",route="other"} 1`,
		`dht_http_request_seconds_count{method="GET",route="/db/{key}"} 4`,
		`go_goroutines`,
	} {
		if !strings.Contains(a.body, "\n"+line) {
			t.Errorf("no line %q in\n%s", line, a.body)
		}
	}
}
