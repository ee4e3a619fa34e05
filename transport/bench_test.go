package transport_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"pipelinedht/transport"
)

// BenchmarkCall measures calls over loopback TCP, both nodes in this process. The
// request is a key of 16 bytes and some, the reply a value of 100.
func BenchmarkCall(b *testing.B) {
	for _, callers := range []int{1, 8, 64, 256} {
		b.Run(map[int]string{1: "1caller", 8: "8callers", 64: "64callers", 256: "256callers"}[callers], func(b *testing.B) {
			benchmarkCall(b, callers)
		})
	}
}

func benchmarkCall(b *testing.B, callers int) {
	book := newBook()
	value := make([]byte, 100)
	callee := startNode(b, book, 1, &handler{call: echo(value)}, nil)
	caller := startNode(b, book, 2, &handler{}, nil)
	request := make([]byte, 40)
	ctx := context.Background()
	if _, err := caller.Call(ctx, callee.id.Node, transport.Small, request); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			for left.Add(-1) >= 0 {
				if _, err := caller.Call(ctx, callee.id.Node, transport.Small, request); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
