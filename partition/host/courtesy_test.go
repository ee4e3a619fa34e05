package host

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

func TestClientsAreAboutForAFewTicks(t *testing.T) {
	t.Parallel()
	var c clock
	who := clients{clock: &c}
	if who.about() {
		t.Error("somebody is there before the first operation")
	}
	c.tick.Add(1000)
	who.note()
	for passed := range uint64(2 * aboutTicks) {
		if got, want := who.about(), passed <= aboutTicks; got != want {
			t.Errorf("%d ticks after an operation: about %v, want %v", passed, got, want)
		}
		c.tick.Add(1)
	}
}

// Only a transfer that nobody waits for gives way, and only to somebody.
func TestChunksGiveWayToClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, closeAll := openTest(t, &script{}, alone(), nil)
		defer closeAll()
		for i := range 3 {
			h.do(t, partition.OpPut, fmt.Sprintf("key %d", i), make([]byte, gentleBytes))
		}
		reset := replica.Job{Partition: 0, Term: 1, Transfer: 1, Reset: true}
		urgent, whole := reset, reset
		urgent.Urgent, whole.Whole = true, true
		for _, c := range []struct {
			name    string
			job     replica.Job
			clients bool
			values  int // of the first chunk
		}{
			{"a transfer beside clients", reset, true, 1},
			{"a transfer without clients", reset, false, 3},
			{"a transfer that writes wait for", urgent, true, 3},
			{"a transfer in recovery", whole, true, 3},
		} {
			time.Sleep(time.Second) // all clients go
			if c.clients {
				h.clients.note()
			}
			tr := &transfer{job: c.job}
			chunk, err := h.jobs.next(tr)
			if err != nil {
				t.Fatal(err)
			}
			if gentle := c.values == 1; len(chunk.Values) != c.values || chunk.Gentle != gentle || chunk.Last == gentle {
				t.Errorf("%s: %d values, gentle %v, last %v; want %d values", c.name, len(chunk.Values), chunk.Gentle, chunk.Last, c.values)
			}
			if err := tr.close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestTurnsComeOneAtATimeAfterARest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const work = time.Millisecond / 2
		turns := newTurns()
		var began []time.Time
		done := make(chan struct{})
		for range 3 {
			go func() {
				at, _ := turns.take(context.Background())
				began = append(began, at)
				time.Sleep(work)
				turns.give(at)
				done <- struct{}{}
			}()
		}
		for range 3 {
			<-done
		}
		for i := 1; i < len(began); i++ {
			if got, want := began[i].Sub(began[i-1]), (1+patience)*work; got != want {
				t.Errorf("turn %d begins %v after the one before, want %v", i, got, want)
			}
		}
	})
}

// chunkOf is a write of a whole small copy.
func chunkOf(p partition.ID, gentle bool) replica.Write {
	return replica.Write{Partition: p, Chunk: &replica.Chunk{
		Partition: p, Last: true, Gentle: gentle,
		Head:   &replica.ChunkHead{Reset: true, Position: partition.Position{LogStart: 1}},
		Values: []partition.KeyState{{Key: []byte("k"), Found: true}},
	}}
}

// markOf is a small write of a copy.
func markOf(p partition.ID) replica.Write { return replica.Write{Partition: p, SetMark: true} }

// fillRounds has a committer store a queue, and returns the partitions of each round.
func fillRounds(t *testing.T, queue []replica.Write) (rounds [][]partition.ID) {
	m := ledBy(100, 2)
	for len(m.Table) < 2*gentleBacklog {
		m.Table = append(m.Table, m.Table[0])
	}
	h, closeAll := openTest(t, &script{}, &fixed{m: m, changed: make(chan struct{})}, nil)
	defer closeAll()
	synctest.Wait()
	c := newCommitter(h)
	c.queue = queue
	for len(c.queue) > 0 {
		now := time.Now()
		n, more, err := c.fill(now)
		if err != nil || more {
			t.Fatalf("more %v, %v", more, err)
		}
		if n == 0 {
			time.Sleep(c.rest.until.Sub(now))
			continue
		}
		var round []partition.ID
		for i := range n {
			round = append(round, c.queue[i].Partition)
		}
		rounds = append(rounds, round)
		if err := c.commit(); err != nil {
			t.Fatal(err)
		}
		if c.gentle {
			c.rest.after(time.Millisecond)
		}
		c.queue = slices.Clone(c.queue[n:])
	}
	return rounds
}

func TestChunksThatGiveWayComeAloneAndBehindOtherWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := fillRounds(t, []replica.Write{
			chunkOf(1, true), chunkOf(2, true), markOf(2), chunkOf(3, false), chunkOf(4, true), markOf(1), markOf(5),
		})
		if want := "[[1 3 1 5] [2 2] [4]]"; fmt.Sprint(got) != want {
			t.Errorf("partitions by round: got %v, want %s", got, want)
		}
	})
}

func TestTooManyChunksDoNotRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var queue []replica.Write
		for p := range partition.ID(gentleBacklog + 10) {
			queue = append(queue, chunkOf(p, true))
		}
		got := fillRounds(t, queue)
		if len(got) != 1+gentleBacklog || len(got[0]) != 10 || got[0][9] != 9 {
			t.Errorf("%d rounds, the first one %v: want the 10 oldest and then one after the other", len(got), got[0])
		}
	})
}
