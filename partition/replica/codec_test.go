package replica

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"pipelinedht/partition"
)

// messages has every kind once or more, with all of its fields set.
func messages() []Message {
	record := partition.LogRecord{
		Label: partition.Label{Term: 7, Seq: 300}, Kind: partition.EntryPut, Import: true, Existed: true,
		Op: partition.OpID{Node: 1 << 63, Incarnation: 2, Counter: 3}, Stamp: 1795391202483783, Key: []byte("key\x00\xff"),
	}
	position := partition.Position{
		Last: partition.Label{Term: 7, Seq: 300}, LogStart: 290,
		Terms: []partition.TermStart{{Term: 5, First: 100}, {Term: 7, First: 299}},
		Stamp: 9, Commit: 299, Mark: &partition.Mark{Common: 295},
	}
	return []Message{
		&Beacon{Version: 1, Sent: time.Hour},
		&Beacon{Version: 1, Sent: time.Hour, Stopping: true},
		&Beacon{Version: 1, Sent: time.Hour, Full: true},
		&Grant{Version: 1, Sent: time.Hour, Taken: 3},
		&Grant{Version: 1, Sent: time.Hour, Taken: 3, Stopping: true},
		&Grant{Version: 1, Sent: time.Hour, Taken: 3, Full: true},
		&Query{Partition: 65535, Term: 9, Number: 7},
		&Position{Partition: 1, Term: 2, Number: 8, Position: position},
		&AskExtra{Partition: 1, Term: 2, After: 3},
		&Extra{Partition: 1, Term: 2, After: 3, Keys: [][]byte{[]byte("a"), []byte("bc")}},
		&Extra{Partition: 1, Term: 2, After: 3, TooMany: true},
		&Fetch{Partition: 1, Term: 2, After: partition.Label{Term: 1, Seq: 5}},
		&Chunk{
			Partition: 1, Term: 2, Transfer: 3,
			Head:   &ChunkHead{Reset: true, After: partition.Label{Term: 5, Seq: 289}, Records: []partition.LogRecord{record}, Position: position},
			Values: []partition.KeyState{{Key: []byte("gone")}, {Key: []byte("dead"), Found: true, Record: partition.Record{Stamp: 4, Tombstone: true, Value: []byte{}}}},
		},
		&Chunk{Partition: 1, Term: 2, Transfer: 3, Index: 4, Last: true},
		&Chunk{Partition: 1, Term: 2, Transfer: 3, Index: 4, Gentle: true},
		&ChunkAck{Partition: 1, Term: 2, Transfer: 3, Index: 4},
		&Append{Runs: []Run{{
			Partition: 1, Term: 2, Prev: partition.Label{Term: 1, Seq: 1}, Commit: 1,
			Entries: []partition.Entry{{LogRecord: record, Value: []byte("value")}},
		}, {
			Partition: 2, Term: 3, Prev: partition.Label{Term: 3, Seq: 7},
			Entries: []partition.Entry{{LogRecord: record, Value: []byte("v")}, {LogRecord: record, Value: []byte{}}},
		}}},
		&Ack{Copies: []Durable{{Partition: 1, Term: 2, Seq: 3, Gap: true}, {Partition: 2, Term: 3, Seq: 9}}},
		&Release{Partition: 1, Term: 2},
		&Detached{Partition: 1, Term: 2, Since: 3},
		&Drop{Partition: 1, Term: 2, Since: 3},
		&Commits{Version: 7, Partitions: []Committed{{Partition: 65535, Seq: 300}, {Partition: 2}}},
	}
}

func TestEveryMessageSurvivesTheWire(t *testing.T) {
	seen := map[kind]bool{}
	for _, m := range messages() {
		seen[m.kind()] = true
		got, err := DecodeMessage(AppendMessage(nil, m))
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%T: got %+v, %v, want %+v", m, got, err, m)
		}
	}
	for k := kindBeacon; k <= kindCommits; k++ {
		if !seen[k] {
			t.Errorf("kind %d is not tried", k)
		}
	}
}

func TestAMessageCutShortIsRefused(t *testing.T) {
	for _, m := range messages() {
		whole := AppendMessage(nil, m)
		for n := range whole {
			if got, err := DecodeMessage(whole[:n]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%T cut to %d of %d bytes: got %+v, %v, want ErrMalformed", m, n, len(whole), got, err)
			}
		}
	}
}

func FuzzDecodeMessage(f *testing.F) {
	for _, m := range messages() {
		f.Add(AppendMessage(nil, m))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := DecodeMessage(b)
		if err != nil {
			return
		}
		again, err := DecodeMessage(AppendMessage(nil, m))
		if err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%x: %+v becomes %+v, %v", b, m, again, err)
		}
	})
}
