package load

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
)

func TestASweepDoesEveryKeyOnce(t *testing.T) {
	t.Parallel()
	all := table{values: make(map[string]string)}
	addresses := []string{serve(t, all.ServeHTTP), serve(t, all.ServeHTTP)}
	keys := Numbered("k", 1003)
	for _, valueBytes := range []int{10, 300 << 10} {
		if valueBytes > 10 {
			keys = Numbered("k", 37)
		}
		fill := Sweep{Addresses: addresses, Connections: 5, Op: Put, Keys: keys, ValueBytes: valueBytes}
		if err := fill.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(all.values) != keys.Count() || all.puts != keys.Count() {
			t.Errorf("got %d keys in %d puts, want %d", len(all.values), all.puts, keys.Count())
		}
		for n := range keys.Count() {
			if got := len(all.values[string(keys.Append(nil, n))]); got != valueBytes {
				t.Fatalf("key %d: got %d bytes, want %d", n, got, valueBytes)
			}
		}
		clear := Sweep{Addresses: addresses, Connections: 5, Op: Delete, Keys: keys}
		if err := clear.Run(t.Context()); err != nil || len(all.values) != 0 {
			t.Errorf("got %d keys left, %v, want none", len(all.values), err)
		}
		all.puts = 0
	}
}

func TestASweepRepeatsWhatWasRefused(t *testing.T) {
	t.Parallel()
	all := table{values: make(map[string]string)}
	var n atomic.Int64
	address := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%2 == 0 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		all.ServeHTTP(w, r)
	})
	fill := Sweep{Addresses: []string{address}, Connections: 1, Op: Put, Keys: Numbered("k", 5), ValueBytes: 10}
	if err := fill.Run(t.Context()); err != nil || len(all.values) != 5 {
		t.Errorf("got %d keys, %v, want 5", len(all.values), err)
	}
}

func TestASweepEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	var n atomic.Int64
	address := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n.Add(1) > 100 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		}
	})
	sweep := Sweep{Addresses: []string{address}, Connections: 3, Op: Put, Keys: Numbered("k", 1_000_000), ValueBytes: 10}
	sweep.Watch = func(int) {}
	if err := sweep.Run(t.Context()); err == nil || n.Load() > 10_000 {
		t.Errorf("got %v after %d requests, want an error soon", err, n.Load())
	}
}

func TestASweepCanBeStopped(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	address := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	sweep := Sweep{Addresses: []string{address}, Connections: 3, Op: Delete, Keys: Numbered("k", 1000)}
	if err := sweep.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
