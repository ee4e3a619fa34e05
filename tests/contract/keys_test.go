package contract_test

import (
	"strings"
	"testing"

	"pipelinedht/tests/harness"
)

// oddKeys are byte strings that an HTTP library, a router or a listing might
// clean, split, fold or redirect.
func oddKeys() harness.Pairs {
	keys := []string{
		"/", "//", ".", "..", "./", "../..", "a/b", "a//b", "/a", "a/", "a/../b", "a/./b", "/../a",
		"?", "a?b=c", "#", "a#b", "%", "%2F", "%252F", "%zz", "+", "a+b", " ", "a b", " a ", "&", "=", ";", ":",
		"\x00", "a\x00b", "\r\n", "a\r\nb", "\n", "\t", "\x7f", "\xff", "\xff\xfe", "\xc3\x28", "\xf0\x9f",
		"ü", "日本語", "🗝", "e\u0301", "\u00e9", "\u2028", "\"", "'", "\\", "<b>", "{key}", "*", "[::1]",
		"A", "a", "db", "db/db", "peers", "join", "-", "0", strings.Repeat("x", 4096), strings.Repeat("/", 4096),
	}
	pairs := make(harness.Pairs)
	for b := range 256 {
		keys = append(keys, string([]byte{byte(b)}), string([]byte{'k', byte(b), 'k'}))
	}
	for _, key := range keys {
		pairs[key] = "the value of " + key
	}
	return pairs
}

func TestAnyByteStringIsAKey(t *testing.T) {
	t.Parallel()
	pairs := oddKeys()
	n := harness.Start(t, "peer1")
	harness.Load(t, pairs, n)
	harness.Verify(t, pairs, n)
	keys := pairs.Keys()
	for _, key := range keys {
		must(t, n.Delete(key))
	}
	harness.VerifyMissing(t, keys, n)
	harness.VerifyListed(t, nil, n)
}

func TestAnyByteStringIsAKeyThroughAnotherNode(t *testing.T) {
	t.Parallel()
	pairs := oddKeys()
	nodes := harness.Cluster(t, 2)
	harness.Load(t, pairs, nodes...)
	harness.Verify(t, pairs, nodes...)
}

func TestPlainListingEncodesWhatWouldBreakItsLines(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for key, want := range map[string]string{
		"a\r\nb": "a%0D%0Ab", "50%": "50%25", "nul\x00": "nul%00", "a b+c/d": "a b+c/d", "ü": "ü",
	} {
		must(t, n.Put(key, ""))
		a, err := n.Do("GET", "/db", nil)
		must(t, err)
		if a.Body != want+"\r\n" {
			t.Errorf("listing of key %q: got %q, want %q", key, a.Body, want+"\r\n")
		}
		must(t, n.Delete(key))
	}
}

func TestUnencodedPathsAreNeitherCleanedNorRedirected(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for raw, key := range map[string]string{
		"a/b": "a/b", "a//b": "a//b", "/a": "/a", "a/../b": "a/../b", "..": "..", "./x": "./x", "a+b": "a+b",
		"%41": "A", "%2e%2E": "..", "a%2fb": "a/b", "%2525": "%25",
	} {
		must(t, n.Put(key, "value of "+key))
		a, err := n.Raw("GET /db/"+raw+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", false)
		must(t, err)
		if a.Status != 200 || a.Body != "value of "+key {
			t.Errorf("GET /db/%s: got %d %q, want the value of %q", raw, a.Status, a.Body, key)
		}
		must(t, n.Delete(key))
	}
}
