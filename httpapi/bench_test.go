package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

// constantTable has one value for every key and costs nothing.
type constantTable struct{ value []byte }

func (c constantTable) Get(context.Context, []byte) (partition.Result, error) {
	return partition.Result{
		Info:   partition.Info{Partition: 517, ServedBy: "peer2", Version: 7},
		Found:  true,
		Record: partition.Record{Stamp: 1_700_000_000_000_000, Value: c.value},
	}, nil
}

func (c constantTable) Write(context.Context, partition.Op) (partition.Outcome, partition.Info, error) {
	return partition.Outcome{Stamp: 1_700_000_000_000_000}, partition.Info{Partition: 517, ServedBy: "peer2", Version: 7}, nil
}

func (c constantTable) Keys(context.Context, func([]byte) bool) error { return nil }

// sink is a ResponseWriter that keeps nothing and, like net/http, a new header
// map for each answer.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }

func benchServer() *httpapi.Server {
	return httpapi.New(httpapi.Config{
		Name: "peer1", Table: constantTable{[]byte(strings.Repeat("v", 100))}, Cluster: newFakeCluster(),
	})
}

// The baseline is what a sink with an empty answer costs.
func BenchmarkHandler(b *testing.B) {
	server := benchServer()
	body := strings.Repeat("v", 100)
	for name, h := range map[string]http.Handler{
		"server":   server,
		"baseline": http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Header()["Content-Type"] = nil }),
	} {
		for _, method := range []string{"GET", "PUT"} {
			b.Run(name+"/"+method, func(b *testing.B) {
				r := httptest.NewRequest(method, "/db/key-0123456789ab", nil)
				reader := strings.NewReader(body)
				b.ReportAllocs()
				for b.Loop() {
					if method == "PUT" {
						reader.Reset(body)
						r.Body, r.ContentLength = io.NopCloser(reader), int64(len(body))
					}
					h.ServeHTTP(&sink{make(http.Header)}, r)
				}
			})
		}
	}
}
