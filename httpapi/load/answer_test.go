package load

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestAnswersEndWhereTheNextOneBegins(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"a length":               "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 3\r\n\r\nno\n",
		"a length of none":       "HTTP/1.1 503 Service Unavailable\r\nDate: today\r\ncontent-length:0\r\n\r\n",
		"chunks":                 "HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\na\r\n0123456789\r\n0\r\n\r\n",
		"chunks and a trailer":   "HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nDigest: z\r\n\r\n",
		"fields of similar name": "HTTP/1.1 503 x\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nTrailer: none\r\n\r\nx",
	} {
		r := bufio.NewReader(strings.NewReader(answer + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
		for _, want := range []int{503, 200} {
			if got, err := ReadAnswer(r); got != want || err != nil {
				t.Errorf("%s: got status %d, %v, want %d", name, got, err, want)
			}
		}
	}
}

func TestTheLastAnswerOnAConnectionIsTold(t *testing.T) {
	t.Parallel()
	r := bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok"))
	if status, err := ReadAnswer(r); status != StatusOK || !errors.Is(err, ErrClosing) {
		t.Errorf("got %d, %v, want %d and ErrClosing", status, err, StatusOK)
	}
}

func TestWhatIsNoAnswerIsAnError(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"nothing":             "",
		"a short line":        "HTTP/1.1\r\n\r\n",
		"no number":           "HTTP/1.1 abc no\r\n\r\n",
		"no length":           "HTTP/1.1 200 OK\r\n\r\n",
		"a negative length":   "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
		"a body cut short":    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
		"a chunk of no size":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
		"a header cut short":  "HTTP/1.1 200 OK\r\nContent-Len",
		"chunks without ends": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
	} {
		status, err := ReadAnswer(bufio.NewReader(strings.NewReader(answer)))
		if err == nil || errors.Is(err, ErrClosing) {
			t.Errorf("%s: got status %d, %v, want an error", name, status, err)
		}
		if name == "nothing" && !errors.Is(err, io.EOF) {
			t.Errorf("nothing: got %v, want io.EOF", err)
		}
	}
}
