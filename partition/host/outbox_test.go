package host

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// shelf keeps what is sent: what is large as it is, as a Net may.
type shelf struct {
	small int // MaxBody of the lanes but Bulk
	sent  []shelved
}

type shelved struct {
	to   partition.NodeID
	lane replica.Lane
	body []byte
}

func (s *shelf) MaxBody(lane replica.Lane) int {
	if lane == replica.Bulk {
		return 10 * s.small
	}
	return s.small
}

func (s *shelf) Send(to partition.NodeID, lane replica.Lane, bodies ...[]byte) bool {
	for _, b := range bodies {
		if len(b) <= keptBody {
			b = bytes.Clone(b)
		}
		s.sent = append(s.sent, shelved{to, lane, b})
	}
	return true
}

func (s *shelf) Call(context.Context, partition.NodeID, replica.Lane, []byte) ([]byte, error) {
	return nil, ErrNotSent
}

// entries returns a message with one value of that size.
func entries(p partition.ID, size int) *replica.Append {
	return &replica.Append{Runs: []replica.Run{{Partition: p, Term: 1, Entries: []partition.Entry{{
		LogRecord: partition.LogRecord{Label: partition.Label{Term: 1, Seq: 1}, Kind: partition.EntryPut, Key: []byte("k")},
		Value:     make([]byte, size),
	}}}}}
}

// contents tells what was sent: lane and partitions of each body.
func (s *shelf) contents(t *testing.T, to partition.NodeID) (got string) {
	t.Helper()
	for _, b := range s.sent {
		if b.to != to {
			continue
		}
		if len(b.body) > s.MaxBody(b.lane) {
			t.Errorf("a body of %d bytes on lane %d", len(b.body), b.lane)
		}
		messages, err := decodeMessages(b.body)
		if err != nil {
			t.Fatal(err)
		}
		got += fmt.Sprint(b.lane, ":")
		for _, m := range messages {
			switch m := m.(type) {
			case *replica.Append:
				got += fmt.Sprint(" ", m.Runs[0].Partition)
			case *replica.Ack:
				got += fmt.Sprint(" ack", m.Copies[0].Partition)
			}
		}
		got += "; "
	}
	return got
}

func TestMessagesForOneNodeAndLaneTravelTogether(t *testing.T) {
	s := &shelf{small: 1000}
	o := outbox{net: s, log: slog.New(slog.DiscardHandler)}
	for _, m := range []replica.Outbound{
		{To: 2, Lane: replica.Small, Message: entries(1, 100)},
		{To: 3, Lane: replica.Small, Message: entries(2, 100)},
		{To: 2, Lane: replica.Small, Message: &replica.Ack{Copies: []replica.Durable{{Partition: 9, Term: 1}}}},
		{To: 2, Lane: replica.Bulk, Message: entries(3, 5000)},
		{To: 2, Lane: replica.Small, Message: entries(4, 700)},
		{To: 2, Lane: replica.Small, Message: entries(5, 700)},  // does not fit beside the others
		{To: 2, Lane: replica.Small, Message: entries(6, 2000)}, // nor the lane
		{To: 2, Lane: replica.Bulk, Message: entries(7, 20000)}, // nor any lane
		{To: 2, Lane: replica.Small, Message: entries(8, 10)},
	} {
		o.add(m)
	}
	o.flush()
	if got, want := s.contents(t, 2), "1: 1 ack9 4; 1: 5 8; 2: 3 6; "; got != want {
		t.Errorf("to node 2: got %q, want %q", got, want)
	}
	if got, want := s.contents(t, 3), "1: 2; "; got != want {
		t.Errorf("to node 3: got %q, want %q", got, want)
	}
	s.sent = nil
	o.add(replica.Outbound{To: 2, Lane: replica.Small, Message: entries(1, 1)})
	o.flush()
	o.flush()
	if got, want := s.contents(t, 2), "1: 1; "; got != want {
		t.Errorf("the next round: got %q, want %q", got, want)
	}
}

func TestLargeMessagesAreKeptAndEncodedOnce(t *testing.T) {
	s := &shelf{small: 1 << 20}
	o := outbox{net: s, log: slog.New(slog.DiscardHandler)}
	want := ""
	for i := range 20 {
		for _, m := range []*replica.Append{
			entries(partition.ID(3*i), 40<<10), entries(partition.ID(3*i+1), 100<<10*(i%3)), entries(partition.ID(3*i+2), 40<<10),
		} {
			o.add(replica.Outbound{To: 2, Lane: replica.Bulk, Message: m})
			o.add(replica.Outbound{To: 3, Lane: replica.Bulk, Message: m})
			want += fmt.Sprint(" ", m.Runs[0].Partition)
		}
		if i%4 == 3 {
			o.flush()
		}
	}
	for _, to := range []partition.NodeID{2, 3} {
		got := strings.NewReplacer("2:", "", "; ", "").Replace(s.contents(t, to))
		if got != want {
			t.Errorf("to node %d: got %q, want %q", to, got, want)
		}
	}
	shared, times := 0, make(map[*byte]int)
	for _, b := range s.sent {
		if times[&b.body[0]]++; times[&b.body[0]] == 2 {
			shared++
		}
	}
	if shared != 13 {
		t.Errorf("%d bodies for both nodes, want 13", shared)
	}
}

func FuzzDecodeMessages(f *testing.F) {
	s := &shelf{small: 1000}
	o := outbox{net: s}
	o.add(replica.Outbound{Message: entries(1, 10)})
	o.add(replica.Outbound{Message: &replica.Beacon{Version: 3}})
	o.flush()
	f.Add(s.sent[0].body)
	f.Add([]byte{255, 255, 255, 255, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		if messages, err := decodeMessages(body); err == nil && len(messages)*lengthSize > len(body) {
			t.Errorf("%d messages of %d bytes", len(messages), len(body))
		}
	})
}

func TestReadsAreHandedOffForAWhileAfterASlowOne(t *testing.T) {
	var p pace
	if p.handOff() {
		t.Error("handed off before any was slow")
	}
	p.took(slowRead)
	if p.handOff() {
		t.Error("handed off after one that was fast enough")
	}
	p.took(slowRead + 1)
	n := 0
	for range 2 * slowSpell {
		if p.handOff() {
			n++
		}
	}
	if n != slowSpell {
		t.Errorf("%d handed off, want %d", n, slowSpell)
	}
	p.took(time.Second)
	p.handed.Store(maxHanded)
	if p.handOff() {
		t.Error("handed off beyond the limit")
	}
}

func TestAThrottleLetsASecondsWorthThroughAndThenItsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		th := throttle{rate: 1000}
		began := time.Now()
		for range 10 {
			th.wait(t.Context(), 500)
		}
		if took := time.Since(began); took < 3900*time.Millisecond || took > 4100*time.Millisecond {
			t.Errorf("5000 bytes at 1000 a second took %v, want 4s", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		th.wait(ctx, 1<<30)
		if took := time.Since(began); took > 6*time.Second {
			t.Errorf("a wait that was ended took until %v", took)
		}
		unlimited := throttle{}
		unlimited.wait(t.Context(), 1<<40)
	})
}
