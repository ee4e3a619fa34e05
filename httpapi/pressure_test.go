package httpapi

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pipelinedht/partition"
)

// spin keeps all processors busy, with others in line, until the test ends.
func spin(t *testing.T) {
	t.Helper()
	var stop atomic.Bool
	var running sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		running.Go(func() {
			for !stop.Load() {
			}
		})
	}
	t.Cleanup(func() { stop.Store(true); running.Wait() })
}

// untilReady waits until goroutines are in line.
func untilReady(t *testing.T, p *pressure) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); p.look() == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("no goroutine is ever ready to run")
		}
	}
}

func TestRequestsPassWhereThereIsLittleToDo(t *testing.T) {
	p := newPressure(1000, time.Nanosecond)
	defer p.close()
	for range 100 {
		if err := p.pass(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRequestsWaitForTheirTurnWhereThereIsMuchToDo(t *testing.T) {
	p := newPressure(0, 20*time.Second)
	defer p.close()
	spin(t)
	var passed sync.WaitGroup
	for range 5 {
		passed.Go(func() {
			untilReady(t, p)
			if err := p.pass(t.Context()); err != nil {
				t.Errorf("in the end: %v", err)
			}
		})
	}
	passed.Wait()
}

func TestARequestThatWaitsForTooLongIsRefused(t *testing.T) {
	p := newPressure(0, time.Hour)
	defer p.close()
	spin(t)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for deadline := time.Now().Add(20 * time.Second); ; {
		untilReady(t, p)
		err := p.pass(gone)
		if errors.Is(err, partition.ErrUnavailable) {
			break
		}
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("got %v, want that nothing took effect", err)
		}
	}
}
