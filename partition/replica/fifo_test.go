package replica

import (
	"math/rand/v2"
	"testing"
)

func TestAQueueKeepsItsOrderAndLetsGoOfMemory(t *testing.T) {
	var q fifo[int]
	next, oldest := 0, 0
	rng := rand.New(rand.NewPCG(1, 2))
	for step := range 200_000 {
		if wave := step / 20_000 % 2; rng.IntN(10) < 3+4*wave {
			if q.push(next) != q.at(q.len()-1) {
				t.Fatal("push returns another place than the last")
			}
			next++
		} else if q.len() > 0 {
			if got := *q.at(0); got != oldest {
				t.Fatalf("step %d: got %d, want %d", step, got, oldest)
			}
			q.pop()
			oldest++
		}
		if q.len() != next-oldest {
			t.Fatalf("step %d: holds %d, want %d", step, q.len(), next-oldest)
		}
		if q.len() > 0 && *q.at(q.len() - 1) != next-1 {
			t.Fatalf("step %d: the newest is %d, want %d", step, *q.at(q.len() - 1), next-1)
		}
	}
	for q.len() > 0 {
		q.pop()
	}
	if cap(q.items) > fifoKept {
		t.Errorf("an empty queue keeps room for %d, want at most %d", cap(q.items), fifoKept)
	}
}
