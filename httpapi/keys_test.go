package httpapi_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pipelinedht/httpapi"
)

func TestPlainListingHasOneLineForEachKey(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.ask(t, "GET", "/db", "").expect(t, 200, "")
	for _, key := range []string{"a", "a b/c+?#", "50%", "cr\rlf\n", "tab\tdel\x7f", "\x00", "ü", "\xff"} {
		f.table.set(key, "v", 1)
	}
	a := f.ask(t, "GET", "/db", "")
	a.expect(t, 200, "%00\r\n50%25\r\na\r\na b/c+?#\r\ncr%0Dlf%0A\r\ntab%09del%7F\r\nü\r\n\xff\r\n")
	a.expectHeader(t, "Content-Type", "text/plain; charset=utf-8")
}

func TestJSONListingHasEveryKeyExactly(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.ask(t, "GET", "/db", "", "Accept: application/json").expect(t, 200, "[]\n")
	want := []string{"%", "\x00\r\n", "\"\\<&>", "ü\u2028", "\xff\xfe"}
	for _, key := range want {
		f.table.set(key, "v", 1)
	}
	a := f.ask(t, "GET", "/db", "", "Accept: application/json")
	a.expectHeader(t, "Content-Type", "application/json")
	var keys []any
	if err := json.Unmarshal([]byte(a.body), &keys); err != nil {
		t.Fatalf("%q: %v", a.body, err)
	}
	var got []string
	for _, key := range keys {
		switch key := key.(type) {
		case string:
			got = append(got, key)
		case map[string]any:
			bytes, err := base64.StdEncoding.DecodeString(fmt.Sprint(key["base64"]))
			if err != nil {
				t.Errorf("%v: %v", key, err)
			}
			got = append(got, string(bytes))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLongListingArrivesWhole(t *testing.T) {
	f := start(t, httpapi.Limits{})
	const count = 20_000
	for i := range count {
		f.table.set(fmt.Sprintf("a key of some length, number %d", i), "v", 1)
	}
	a := f.ask(t, "GET", "/db", "")
	if got := strings.Count(a.body, "\r\n"); got != count {
		t.Errorf("got %d lines, want %d", got, count)
	}
}

func TestListingThatFailsBeforeItIsSentIsAnError(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.table.set("k", "v", 1)
	f.table.fail = errors.New("the disk is on fire")
	f.ask(t, "GET", "/db", "").expectLine(t, 500, "the disk is on fire")
}

func TestListingThatFailsHalfWayIsNotTakenForTheWhole(t *testing.T) {
	f := start(t, httpapi.Limits{})
	for i := range 20_000 {
		f.table.set(fmt.Sprintf("a key of some length, number %d", i), "v", 1)
	}
	f.table.fail = errors.New("the disk is on fire")
	resp, err := http.Get("http://" + f.address + "/db")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if n, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Errorf("the listing ended after %d bytes as if it were whole", n)
	}
}

func TestHeadOfTheListingReadsNoKeys(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.table.fail = errors.New("the disk is on fire")
	f.ask(t, "HEAD", "/db", "").expect(t, 200, "")
}

func FuzzPlainListingCanBeReadBack(f *testing.F) {
	for _, key := range []string{"k", "%", "%25", "\r\n", "\x7f", "\xff", "ü"} {
		f.Add(key)
	}
	f.Fuzz(func(t *testing.T, key string) {
		line := string(httpapi.AppendLine(nil, []byte(key)))
		if strings.ContainsAny(line, "\r\n") {
			t.Fatalf("key %q: got %q, want one line", key, line)
		}
		scanned := bufio.NewScanner(strings.NewReader(line + "\r\n"))
		if len(key) > 0 && (!scanned.Scan() || scanned.Text() != line) {
			t.Fatalf("key %q: a reader of lines got %q, want %q", key, scanned.Text(), line)
		}
		if got, err := url.PathUnescape(line); err != nil || got != key {
			t.Fatalf("key %q: read back as %q, %v", key, got, err)
		}
	})
}
