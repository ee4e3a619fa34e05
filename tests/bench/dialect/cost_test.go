package dialect

import (
	"bufio"
	"strings"
	"testing"

	"pipelinedht/httpapi/load"
)

func TestARequestAllocatesNothing(t *testing.T) {
	for name, d := range map[string]struct {
		dialect load.Dialect
		answer  string
	}{
		"RESP":          {RESP{}, "$5\r\nhello\r\n"},
		"RESP and WAIT": {RESP{Wait: 1}, "+OK\r\n:1\r\n"},
		"etcd JSON":     {EtcdJSON{}, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
		"etcd gRPC":     {EtcdGRPC{}, string(answered(5))},
	} {
		speaker := d.dialect.Speaker(1, 8)
		key, source := []byte("k"), strings.NewReader(d.answer)
		reader := bufio.NewReader(source)
		if got := testing.AllocsPerRun(1000, func() {
			if g, ok := speaker.(*etcdGRPC); ok {
				g.stream = 3 // what is answered is always the next
			}
			speaker.Request(load.Put, key, 1)
			source.Reset(d.answer)
			reader.Reset(source)
			if status, err := speaker.Answer(reader); status != load.StatusOK || err != nil {
				t.Fatalf("%s: got %d, %v, want %d", name, status, err, load.StatusOK)
			}
		}); got != 0 {
			t.Errorf("%s: got %v allocations a request, want none", name, got)
		}
	}
}
