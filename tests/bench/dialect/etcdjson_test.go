package dialect

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"pipelinedht/httpapi/load"
)

func TestEtcdsGatewayIsAskedInBase64(t *testing.T) {
	t.Parallel()
	// Lengths that are and are not whole groups of base64, and stamps that end
	// within one.
	for _, valueBytes := range []int{8, 9, 10, 100} {
		for _, key := range []string{"k", "key-7", "sixteen-bytes-00"} {
			for op, path := range map[load.Op]string{load.Get: "/v3/kv/range", load.Put: "/v3/kv/put", load.Delete: "/v3/kv/deleterange"} {
				req, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request(EtcdJSON{}, op, key, stamp, valueBytes))))
				if err != nil {
					t.Fatalf("%v of %s: %v", op, key, err)
				}
				var asked struct{ Key, Value []byte } // base64, as encoding/json has bytes
				body, err := io.ReadAll(req.Body)
				if err := errors.Join(err, json.Unmarshal(body, &asked)); err != nil {
					t.Fatalf("%v of %s: %q: %v", op, key, body, err)
				}
				if req.Method != http.MethodPost || req.URL.Path != path || string(asked.Key) != key {
					t.Errorf("%v of %s: got %s %s of %s, want POST %s of %[2]s", op, key, req.Method, req.URL.Path, asked.Key, path)
				}
				if op != load.Put && len(asked.Value) > 0 || op == load.Put && (len(asked.Value) != valueBytes || !strings.HasPrefix(string(asked.Value), "abcdefgh")) {
					t.Errorf("%v of %s: got the value %q, want one of %d bytes that begins with the stamp, for a PUT only", op, key, asked.Value, valueBytes)
				}
			}
		}
	}
}

func TestOnlyTheValuesStampChanges(t *testing.T) {
	t.Parallel()
	s := EtcdJSON{}.Speaker(1, 20)
	var values [2][]byte
	for i := range values {
		_, body, _ := strings.Cut(string(s.Request(load.Put, []byte("k"), uint64(i)<<56)), `"value":"`)
		var err error
		if values[i], err = base64.StdEncoding.DecodeString(strings.TrimSuffix(body, `"}`)); err != nil {
			t.Fatal(err)
		}
	}
	if slices.Equal(values[0][:8], values[1][:8]) || !slices.Equal(values[0][8:], values[1][8:]) {
		t.Errorf("got %q and then %q, want the same beyond the first eight bytes only", values[0], values[1])
	}
}

func TestEtcdsGatewayAnswersAsHTTP(t *testing.T) {
	t.Parallel()
	const stream = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}" +
		"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nno\r\n"
	got, err := answers(EtcdJSON{}.Speaker(1, 8), stream)
	if want := []int{200, 503}; !errors.Is(err, io.EOF) || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v and the end", got, err, want)
	}
}
