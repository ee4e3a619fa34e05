package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

// Of the key "k", in the cases below.
const stampNow, stampBefore = `"1000"`, `"999"`

func TestConditions(t *testing.T) {
	for _, c := range []struct {
		name    string
		present bool
		method  string
		headers []string
		status  int
	}{
		{"creates where nothing is", false, "PUT", []string{"If-None-Match: *"}, 200},
		{"does not create where something is", true, "PUT", []string{"If-None-Match: *"}, 412},
		{"replaces anything", true, "PUT", []string{"If-Match: *"}, 200},
		{"does not replace nothing", false, "POST", []string{"If-Match: *"}, 412},
		{"replaces the version named", true, "PUT", []string{"If-Match: " + stampNow}, 200},
		{"does not replace another version", true, "PUT", []string{"If-Match: " + stampBefore}, 412},
		{"does not replace a version of nothing", false, "PUT", []string{"If-Match: " + stampNow}, 412},
		{"replaces one of several versions", true, "PUT", []string{"If-Match: " + stampBefore + " ,, " + stampNow}, 200},
		{"replaces a version in the second of two lines", true, "PUT", []string{"If-Match: " + stampBefore, "If-Match: " + stampNow}, 200},
		{"does not replace by a weak tag", true, "PUT", []string{"If-Match: W/" + stampNow}, 412},
		{"does not replace by a tag that is none of ours", true, "PUT", []string{`If-Match: "x,y"`}, 412},
		{"does not replace by another spelling of the number", true, "PUT", []string{`If-Match: "01000"`}, 412},
		{"refuses a tag without quotes", true, "PUT", []string{"If-Match: 1000"}, 400},
		{"refuses a tag that does not end", true, "PUT", []string{`If-Match: "1000`}, 400},
		{"refuses tags without a comma", true, "PUT", []string{`If-Match: "1" "2"`}, 400},
		{"refuses an empty list", true, "PUT", []string{"If-Match: ,"}, 400},
		{"refuses a star among tags", true, "PUT", []string{`If-Match: *, "1"`}, 400},
		{"refuses to write unless a version is there", true, "PUT", []string{"If-None-Match: " + stampBefore}, 400},
		{"deletes the version named", true, "DELETE", []string{"If-Match: " + stampNow}, 200},
		{"does not delete another version", true, "DELETE", []string{"If-Match: " + stampBefore}, 412},
		{"does not delete nothing", false, "DELETE", []string{"If-Match: *"}, 412},
		{"reads unless the version is known", true, "GET", []string{"If-None-Match: " + stampNow}, 304},
		{"reads unless the version is known, weakly", true, "GET", []string{"If-None-Match: W/" + stampNow}, 304},
		{"reads unless anything is there", true, "GET", []string{"If-None-Match: *"}, 304},
		{"reads another version", true, "GET", []string{"If-None-Match: " + stampBefore}, 200},
		{"reads nothing", false, "GET", []string{"If-None-Match: *"}, 200},
		{"reads the version named", true, "GET", []string{"If-Match: " + stampNow}, 200},
		{"does not read another version", true, "GET", []string{"If-Match: " + stampBefore}, 412},
		{"asks for a head unless the version is known", true, "HEAD", []string{"If-None-Match: " + stampNow}, 304},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, httpapi.Limits{})
			if c.present {
				f.table.set("k", "old", 1000)
			}
			body := ""
			if c.method == "PUT" || c.method == "POST" {
				body = "new"
			}
			a := f.ask(t, c.method, "/db/k", body, c.headers...)
			if a.status != c.status {
				t.Fatalf("got %d %q, want %d", a.status, a.body, c.status)
			}
			value, found := f.table.get("k")
			changed := found != c.present || value == "new"
			if want := c.status == 200 && c.method != "GET" && c.method != "HEAD"; changed != want {
				t.Errorf("the key afterwards: %q, %v; want it changed: %v", value, found, want)
			}
			switch c.status {
			case 304:
				a.expect(t, 304, "")
				a.expectHeader(t, "ETag", stampNow)
			case 412:
				a.expectLine(t, 412, "nothing was changed")
				if c.present {
					a.expectHeader(t, "ETag", stampNow)
				}
			}
		})
	}
}

func TestPartsOfAValueAreRefused(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.ask(t, "PUT", "/db/k", "second half", "Content-Range: bytes 11-21/22").expectLine(t, 400, "a value is written whole")
	if _, ok := f.table.get("k"); ok {
		t.Error("the part was written")
	}
}

func TestWritesAnswerWithTheNewVersion(t *testing.T) {
	f := start(t, httpapi.Limits{})
	for _, method := range []string{"PUT", "POST"} {
		a := f.ask(t, method, "/db/k", "v")
		a.expect(t, 200, "")
		etag := a.header.Get("ETag")
		a = f.ask(t, "GET", "/db/k", "")
		a.expect(t, 200, "v")
		a.expectHeader(t, "ETag", etag)
		a.expectHeader(t, "Content-Type", "application/octet-stream")
	}
}

func TestMissingKeysAreToldApartFromEmptyValues(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.table.set("empty", "", 5)

	a := f.ask(t, "GET", "/db/missing", "")
	a.expect(t, 200, "")
	a.expectHeader(t, "DHT-Found", "false")
	a.expectHeader(t, "ETag", "")

	a = f.ask(t, "GET", "/db/empty", "", "Prefer: handling=strict")
	a.expect(t, 200, "")
	a.expectHeader(t, "DHT-Found", "")
	a.expectHeader(t, "ETag", `"5"`)

	a = f.ask(t, "DELETE", "/db/missing", "")
	a.expect(t, 200, "")
	a.expectHeader(t, "DHT-Found", "false")
}

func TestStrictHandlingMakesAMissingKeyAnError(t *testing.T) {
	f := start(t, httpapi.Limits{})
	for prefer, status := range map[string]int{
		"handling=strict":                          404,
		"Handling = \"strict\" ; x=y":              404,
		"wait=10, handling=strict":                 404,
		"respond-async\r\nPrefer: handling=strict": 404,
		"handling=lenient":                         200,
		"handling=lenient, handling=strict":        200,
		"strict":                                   200,
	} {
		a := f.ask(t, "GET", "/db/missing", "", "Prefer: "+prefer)
		if a.status != status {
			t.Errorf("Prefer: %s: got %d, want %d", prefer, a.status, status)
		}
		a.expectHeader(t, "DHT-Found", "false")
	}
}

func TestHeadMirrorsGet(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.table.set("short", "v", 5)
	f.table.set("long", strings.Repeat("v", 100_000), 6)
	for _, target := range []string{"/db/short", "/db/long", "/db/missing", "/db/", "/dht/ring", "/dht/peers"} {
		get, head := f.ask(t, "GET", target, ""), f.ask(t, "HEAD", target, "")
		if head.status != get.status || head.body != "" {
			t.Errorf("HEAD %s: got %d %q, want %d and no body", target, head.status, head.body, get.status)
		}
		for _, name := range []string{"ETag", "Content-Type", "DHT-Found", "DHT-Partition", "DHT-Served-By"} {
			head.expectHeader(t, name, get.header.Get(name))
		}
		if strings.HasPrefix(target, "/db/") && get.status == 200 {
			head.expectHeader(t, "Content-Length", fmt.Sprint(len(get.body)))
		}
	}
}

func TestErrorsOfTheTableHaveTheirStatus(t *testing.T) {
	plain := errors.New("the disk is on fire")
	for _, c := range []struct {
		name   string
		err    error
		method string
		status int
		words  string
	}{
		{"a read that cannot be served", fmt.Errorf("%w: no primary for partition 3", partition.ErrUnavailable), "GET", 503, "no primary for partition 3; try again"},
		{"a write that took no effect", partition.ErrUnavailable, "PUT", 503, "nothing took effect; try again"},
		{"a write at the wrong node", partition.ErrNotPrimary, "PUT", 503, "try again"},
		{"a write whose id is too old", partition.ErrFloor, "PUT", 503, "try again"},
		{"a write that may have taken effect", fmt.Errorf("%w: peer2 was lost", partition.ErrUnknown), "PUT", 504, "outcome unknown: peer2 was lost; read before you try again"},
		{"a delete that may have taken effect", partition.ErrUnknown, "DELETE", 504, "read before"},
		{"a write with an error that says nothing", plain, "PUT", 504, "outcome unknown: the disk is on fire"},
		{"a read with an error that says nothing", plain, "GET", 500, "the disk is on fire"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, httpapi.Limits{})
			f.table.fail = c.err
			a := f.ask(t, c.method, "/db/k", "")
			a.expectLine(t, c.status, c.words)
			a.expectHeader(t, "DHT-Served-By", "peer2")
			a.expectHeader(t, "ETag", "")
			unknown, retry := "", ""
			switch c.status {
			case 503:
				retry = "1"
			case 504:
				unknown = "unknown"
			}
			a.expectHeader(t, "Retry-After", retry)
			a.expectHeader(t, "DHT-Outcome", unknown)
		})
	}
}

func TestErrorsAreProblemsWhereJSONIsAskedFor(t *testing.T) {
	f := start(t, httpapi.Limits{})
	for accept, wantJSON := range map[string]bool{
		"application/json":                             true,
		"application/problem+json":                     true,
		"Application/JSON; charset=utf-8":              true,
		"text/html, application/json;q=0.9, */*;q=0":   true,
		"application/*":                                true,
		"text/plain;q=0.5\r\nAccept: application/json": true,
		"application/json;q=0":                         false,
		"application/json;q=x":                         false,
		"application/json;q=0.5, text/plain":           false,
		"text/html,application/xhtml+xml,*/*;q=0.8":    false,
		"*/*": false,
	} {
		a := f.ask(t, "GET", "/db/", "", "Accept: "+accept)
		if !wantJSON {
			a.expectLine(t, 400, "empty key")
			continue
		}
		a.expectHeader(t, "Content-Type", "application/problem+json")
		var problem map[string]any
		if err := json.Unmarshal([]byte(a.body), &problem); err != nil {
			t.Fatalf("Accept: %s: got %q: %v", accept, a.body, err)
		}
		if problem["status"] != 400.0 || problem["title"] != "Bad Request" || problem["type"] != "about:blank" ||
			!strings.HasPrefix(fmt.Sprint(problem["detail"]), "empty key") {
			t.Errorf("Accept: %s: got %v", accept, problem)
		}
	}
}
