package transport_test

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"pipelinedht/partition"
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

// BenchmarkSend measures messages of 200 bytes, two at a time, until they arrived.
func BenchmarkSend(b *testing.B) {
	book := newBook()
	var came atomic.Int64
	done := make(chan struct{})
	receiver := startNode(b, book, 1, &handler{message: func(partition.NodeID, partition.Incarnation, transport.Lane, []byte) {
		if came.Add(1) == int64(2*b.N)+2 {
			close(done)
		}
	}}, nil)
	sender := startNode(b, book, 2, &handler{}, nil)
	body := make([]byte, 200)
	sendUntilTaken(b, sender, receiver.id.Node, transport.Small, body, body)
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		for !sender.Send(receiver.id.Node, transport.Small, body, body) {
			runtime.Gosched() // the buffer is full
		}
	}
	<-done
	b.ReportMetric(float64(2*b.N)/b.Elapsed().Seconds(), "messages/s")
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
