package dialect

import (
	"bufio"
	"encoding/base64"
	"encoding/binary"
	"fmt"

	"pipelinedht/httpapi/load"
)

// EtcdJSON is etcd's HTTP/JSON gateway: put, linearizable range of one key, and
// deleterange. Keys and values travel in base64. That a key is missing does not
// show: its range succeeds and is empty.
type EtcdJSON struct{}

// Speaker implements load.Dialect.
func (EtcdJSON) Speaker(keyBytes, valueBytes int) load.Speaker {
	return &etcdJSON{keyBytes: keyBytes, value: load.RandomValue(valueBytes)}
}

type etcdJSON struct {
	keyBytes int
	value    []byte
	requests [opCount]prepared
}

var etcdPaths = [opCount]string{load.Get: "/v3/kv/range", load.Put: "/v3/kv/put", load.Delete: "/v3/kv/deleterange"}

// stampedBytes is how much of a value is encoded anew for each request: the least
// that holds the stamp and is whole groups of base64.
const stampedBytes = (load.StampBytes + 2) / 3 * 3

// Request implements load.Speaker.
func (s *etcdJSON) Request(op load.Op, key []byte, stamp uint64) []byte {
	r := &s.requests[op]
	if r.bytes == nil {
		s.prepare(op, r)
	}
	base64.StdEncoding.Encode(r.bytes[r.keyAt:], key)
	if r.valueAt > 0 {
		binary.LittleEndian.PutUint64(s.value, stamp)
		base64.StdEncoding.Encode(r.bytes[r.valueAt:], s.value[:min(stampedBytes, len(s.value))])
	}
	return r.bytes
}

func (s *etcdJSON) prepare(op load.Op, r *prepared) {
	const keyField, valueField = `{"key":"`, `","value":"`
	key := base64.StdEncoding.EncodeToString(make([]byte, s.keyBytes))
	body := keyField + key
	if op == load.Put {
		body += valueField + base64.StdEncoding.EncodeToString(s.value)
	}
	body += `"}`
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: load\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", etcdPaths[op], len(body))
	r.bytes = []byte(head + body)
	r.keyAt = len(head) + len(keyField)
	if op == load.Put {
		r.valueAt = r.keyAt + len(key) + len(valueField)
	}
}

// Answer implements load.Speaker.
func (s *etcdJSON) Answer(r *bufio.Reader) (int, error) { return load.ReadAnswer(r) }
