package httpapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

func TestKeysArriveAsTheyWereEncoded(t *testing.T) {
	f := start(t, httpapi.Limits{})
	for _, c := range []struct{ name, target, key string }{
		{"a plain key", "/db/k", "k"},
		{"a slash that is not encoded", "/db/a/b", "a/b"},
		{"an encoded slash", "/db/a%2Fb", "a/b"},
		{"a slash at the beginning", "/db//a", "/a"},
		{"a slash at the end", "/db/a/", "a/"},
		{"two slashes", "/db/a//b", "a//b"},
		{"nothing but a slash", "/db//", "/"},
		{"a dot", "/db/.", "."},
		{"dots that a router would clean", "/db/a/../b", "a/../b"},
		{"dots that lead out of the route", "/db/../dht/leave", "../dht/leave"},
		{"encoded dots", "/db/%2e%2e", ".."},
		{"an encoded percent sign, once", "/db/%25", "%"},
		{"a key that looks encoded", "/db/%252F", "%2F"},
		{"a plus, which stays one", "/db/a+b", "a+b"},
		{"an encoded plus", "/db/a%2Bb", "a+b"},
		{"a blank", "/db/a%20b", "a b"},
		{"an encoded question mark", "/db/a%3Fb", "a?b"},
		{"a query, which is not of the key", "/db/a?b=c", "a"},
		{"an empty query", "/db/a?", "a"},
		{"a hash, which is no fragment here", "/db/a#b", "a#b"},
		{"NUL", "/db/%00", "\x00"},
		{"CR LF", "/db/%0D%0A", "\r\n"},
		{"UTF-8, encoded", "/db/%C3%BC", "ü"},
		{"UTF-8, not encoded", "/db/ü", "ü"},
		{"bytes that are not UTF-8", "/db/%FF%FE", "\xff\xfe"},
		{"the absolute form of a proxy", "http://node:9876/db/a%2Fb?x", "a/b"},
		{"a route's name", "/db/dht/peers", "dht/peers"},
		{"the longest key", "/db/" + strings.Repeat("%00", 4096), strings.Repeat("\x00", 4096)},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.ask(t, "PUT", c.target, "value of "+c.key).expect(t, 200, "")
			if got, ok := f.table.get(c.key); !ok || got != "value of "+c.key {
				t.Fatalf("PUT %.40s: key %.40q holds %.40q, %v", c.target, c.key, got, ok)
			}
			f.ask(t, "GET", c.target, "").expect(t, 200, "value of "+c.key)
			f.ask(t, "DELETE", c.target, "").expect(t, 200, "")
			if _, ok := f.table.get(c.key); ok {
				t.Errorf("DELETE %.40s: key %.40q is still there", c.target, c.key)
			}
		})
	}
}

func TestKeysThatAreRefused(t *testing.T) {
	f := start(t, httpapi.Limits{})
	long := strings.Repeat("k", 4097)
	for _, c := range []struct {
		name, method, target string
		status               int
		words                string
	}{
		{"no key at all, read", "GET", "/db/", 400, "empty key"},
		{"no key at all, written", "PUT", "/db/", 400, "empty key"},
		{"no key but a query", "GET", "/db/?key=k", 400, "empty key"},
		{"a key too large to read", "GET", "/db/" + long, 414, "4097 bytes: at most 4096"},
		{"a key too large to write", "POST", "/db/" + long, 414, "4097 bytes: at most 4096"},
		{"a key too large to delete", "DELETE", "/db/" + strings.Repeat("%00", 4097), 414, "4097 bytes"},
		{"a prefix that is encoded itself", "GET", "/db%2Fk", 404, "no /db%2Fk here"},
		{"a method that keys do not have", "PATCH", "/db/k", 405, "use GET, HEAD, PUT, POST, DELETE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f.ask(t, c.method, c.target, "").expectLine(t, c.status, c.words)
		})
	}
	if len(f.table.records) != 0 {
		t.Errorf("the table afterwards: got %d keys, want none", len(f.table.records))
	}
}

func TestBadEscapesAreRefusedBeforeAnyHandler(t *testing.T) {
	f := start(t, httpapi.Limits{})
	for _, target := range []string{"/db/%", "/db/%z", "/db/%zz", "/db/a%2"} {
		if a := f.ask(t, "PUT", target, "v"); a.status != 400 {
			t.Errorf("PUT %s: got %d %q, want 400", target, a.status, a.body)
		}
	}
	if len(f.table.records) != 0 {
		t.Errorf("the table afterwards: got %d keys, want none", len(f.table.records))
	}
}

func TestEveryAnswerAboutAKeySaysWhoServedIt(t *testing.T) {
	f := start(t, httpapi.Limits{})
	want := fmt.Sprint(partition.Of([]byte("k"), fakePartitions))
	for _, c := range []struct{ name, method, header, servedBy string }{
		{"a read", "GET", "X: y", "peer2"},
		{"a write", "PUT", "X: y", "peer2"},
		{"a refused condition", "PUT", "If-None-Match: *", "peer2"},
		{"a delete", "DELETE", "X: y", "peer2"},
		{"a wrong method", "PATCH", "X: y", "peer3"},
		{"a bad condition", "PUT", "If-Match: x", "peer3"},
		{"a body that is announced as too large", "PUT", "Content-Length: 99999999", "peer3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := f.ask(t, c.method, "/db/k", "", c.header)
			a.expectHeader(t, "DHT-Ring-Version", "7")
			a.expectHeader(t, "DHT-Partition", want)
			a.expectHeader(t, "DHT-Served-By", c.servedBy)
		})
	}
}

func FuzzAnyByteStringIsAKey(f *testing.F) {
	for _, key := range []string{"k", "/", "..", "//", "%2F", "?", "+", " ", "\x00", "ü", "\xff", "a/../b", "#"} {
		f.Add(key, false)
		f.Add(key, true)
	}
	table := newFakeTable()
	server := httpapi.New(httpapi.Config{Name: "peer3", Table: table, Cluster: newFakeCluster()})
	f.Fuzz(func(t *testing.T, key string, all bool) {
		if key == "" || len(key) > 4096 {
			return
		}
		escaped := url.PathEscape(key)
		if all {
			escaped = ""
			for i := range len(key) {
				escaped += fmt.Sprintf("%%%02x", key[i])
			}
		}
		target, err := url.ParseRequestURI("/db/" + escaped)
		if err != nil {
			t.Fatalf("encoded %q as %q: %v", key, escaped, err)
		}
		w := httptest.NewRecorder()
		server.ServeHTTP(w, &http.Request{Method: "PUT", URL: target, Header: http.Header{}, Body: http.NoBody, RequestURI: target.String()})
		if w.Code != 200 {
			t.Fatalf("PUT /db/%s: got %d %q, want 200", escaped, w.Code, w.Body)
		}
		if _, ok := table.get(key); !ok || len(table.records) != 1 {
			t.Fatalf("PUT /db/%s: the table has %d keys, want %q alone", escaped, len(table.records), key)
		}
		delete(table.records, key)
	})
}
