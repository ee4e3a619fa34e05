package dialect

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"

	"pipelinedht/httpapi/load"
)

// request returns a copy of what a new speaker asks with.
func request(d load.Dialect, op load.Op, key string, stamp uint64, valueBytes int) string {
	return string(d.Speaker(len(key), valueBytes).Request(op, []byte(key), stamp))
}

// answers reads all of text, a byte at a time, as answers to a speaker.
func answers(s load.Speaker, text string) (statuses []int, err error) {
	r := bufio.NewReader(iotest.OneByteReader(strings.NewReader(text)))
	for {
		status, err := s.Answer(r)
		if err != nil {
			return statuses, err
		}
		statuses = append(statuses, status)
	}
}

// stamp is "abcdefgh" in a value.
const stamp = 0x6867666564636261

func TestRedisCommandsAreArraysOfStrings(t *testing.T) {
	t.Parallel()
	put := request(RESP{}, load.Put, "key-7", stamp, 10)
	const before, after = "*3\r\n$3\r\nSET\r\n$5\r\nkey-7\r\n$10\r\nabcdefgh", "\r\n"
	if !strings.HasPrefix(put, before) || !strings.HasSuffix(put, after) || len(put) != len(before)+2+len(after) {
		t.Errorf("PUT: got %q, want %q, two random bytes and %q", put, before, after)
	}
	if got, want := request(RESP{}, load.Get, "key-7", 1, 10), "*2\r\n$3\r\nGET\r\n$5\r\nkey-7\r\n"; got != want {
		t.Errorf("GET: got %q, want %q", got, want)
	}
	if got, want := request(RESP{}, load.Delete, "key-7", 1, 10), "*2\r\n$3\r\nDEL\r\n$5\r\nkey-7\r\n"; got != want {
		t.Errorf("DELETE: got %q, want %q", got, want)
	}
	if got, want := request(RESP{Wait: 2}, load.Put, "k", stamp, 8), "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8\r\nabcdefgh\r\n*3\r\n$4\r\nWAIT\r\n$1\r\n2\r\n$5\r\n10000\r\n"; got != want {
		t.Errorf("PUT and WAIT: got %q, want %q", got, want)
	}
}

func TestARequestOverwritesTheKeyAndTheStampOfTheLast(t *testing.T) {
	t.Parallel()
	for name, d := range map[string]load.Dialect{"RESP": RESP{}, "RESP and WAIT": RESP{Wait: 1}, "etcd JSON": EtcdJSON{}} {
		s := d.Speaker(4, 8)
		for _, op := range []load.Op{load.Put, load.Get, load.Delete} {
			s.Request(op, []byte("aaaa"), 1)
			got, want := string(s.Request(op, []byte("bbbb"), stamp)), request(d, op, "bbbb", stamp, 8)
			if got != want {
				t.Errorf("%s, %v: got %q, want %q", name, op, got, want)
			}
		}
	}
}

func TestRedisAnswersHaveAStatus(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]int{
		"+OK\r\n":                               load.StatusOK,
		":1\r\n":                                load.StatusOK,
		"$5\r\nhe\r\nl\r\n":                     load.StatusOK,
		"$0\r\n\r\n":                            load.StatusOK,
		"$-1\r\n":                               http.StatusNotFound,
		"-MOVED 11058 127.0.0.1:6381\r\n":       http.StatusMisdirectedRequest,
		"-ASK 11058 127.0.0.1:6381\r\n":         http.StatusMisdirectedRequest,
		"-LOADING Redis is loading\r\n":         http.StatusServiceUnavailable,
		"-CLUSTERDOWN Hash slot not served\r\n": http.StatusServiceUnavailable,
		"-ERR unknown command 'GOT'\r\n":        http.StatusBadRequest,
	} {
		got, err := answers(RESP{}.Speaker(1, 8), answer+"+OK\r\n")
		if !errors.Is(err, io.EOF) || len(got) != 2 || got[0] != want || got[1] != load.StatusOK {
			t.Errorf("%q and an OK: got %v, %v, want %d, %d and the end", answer, got, err, want, load.StatusOK)
		}
	}
}

func TestAWriteThatWaitsNeedsItsReplicas(t *testing.T) {
	t.Parallel()
	const stream = "+OK\r\n:2\r\n" + "$1\r\nx\r\n" + "+OK\r\n:1\r\n" + "+OK\r\n:3\r\n"
	want := []int{load.StatusOK, load.StatusOK, http.StatusGatewayTimeout, load.StatusOK}
	got, err := answers(RESP{Wait: 2}.Speaker(1, 8), stream)
	if !errors.Is(err, io.EOF) || len(got) != len(want) {
		t.Fatalf("got %v, %v, want %v and the end", got, err, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("answer %d: got %d, want %d", i, got[i], want[i])
		}
	}
	for _, broken := range []string{"-ERR no\r\n:0\r\n", "+OK\r\n-ERR no\r\n", "+OK\r\n"} {
		if got, err := answers(RESP{Wait: 2}.Speaker(1, 8), broken); err == nil || len(got) > 0 {
			t.Errorf("%q: got %v, %v, want an error", broken, got, err)
		}
	}
}

func TestWhatIsNoRedisAnswerIsAnError(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"", "\r\n", "+OK\n", "?\r\n", "$x\r\n", "$-2\r\n", "$5\r\nhel", "+OK", "HTTP/1.1 200 OK\r\n\r\n"} {
		if got, err := answers(RESP{}.Speaker(1, 8), answer); len(got) > 0 || err == nil || errors.Is(err, load.ErrClosing) {
			t.Errorf("%q: got %v, %v, want an error", answer, got, err)
		}
	}
}
