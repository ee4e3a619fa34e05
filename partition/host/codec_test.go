package host

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pipelinedht/partition"
)

var sampleOps = []partition.Op{
	{ID: partition.OpID{Node: 1, Incarnation: 1, Counter: 1}, Attempt: 1, Term: 1, Kind: partition.OpPut, Key: []byte("k"), Value: []byte("v")},
	{ID: partition.OpID{Node: math.MaxUint64, Incarnation: 9, Counter: math.MaxUint64}, Attempt: 77, Floor: 5, Renamed: true, Term: 3,
		Kind: partition.OpDelete, Condition: partition.Condition{IfPresent: true}, Key: []byte{0, 0xff, '/'}, Value: []byte{}},
	{ID: partition.OpID{Node: 2, Incarnation: 2, Counter: 3}, Attempt: 1, Term: 8, Kind: partition.OpImport, Stamp: 1 << 50, Since: 12,
		Condition: partition.Condition{IfAbsent: true}, Key: bytes.Repeat([]byte{'k'}, 4096), Value: bytes.Repeat([]byte{'v'}, 1<<20)},
	{Attempt: 1, Term: 8, Kind: partition.OpSweep, Condition: partition.Condition{IfStamp: []partition.Stamp{1, 1 << 60}}, Key: []byte("k"), Value: []byte{}},
	{Attempt: 1, Term: 8, Kind: partition.OpPut, Condition: partition.Condition{IfStamp: []partition.Stamp{}}, Key: []byte("k"), Value: []byte{}},
}

func TestAnOperationCrossesTheWireWhole(t *testing.T) {
	for i, op := range sampleOps {
		body := appendWrite(nil, &op)
		if body[0] != callWrite {
			t.Fatalf("op %d: first byte %q, want %q", i, body[0], callWrite)
		}
		got, err := decodeWrite(body[1:])
		if err != nil || !reflect.DeepEqual(got, op) {
			t.Errorf("op %d: got %+v, %v; want %+v", i, got, err, op)
		}
	}
}

func FuzzDecodeWrite(f *testing.F) {
	for i := range sampleOps {
		f.Add(appendWrite(nil, &sampleOps[i])[1:])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		op, err := decodeWrite(body)
		if err != nil {
			return
		}
		again, err := decodeWrite(appendWrite(nil, &op)[1:])
		if err != nil || !reflect.DeepEqual(again, op) {
			t.Errorf("%x decodes to %+v, and that to %+v, %v", body, op, again, err)
		}
	})
}

func FuzzDecodeReplies(f *testing.F) {
	f.Add(appendRead(nil, true, &partition.Record{Stamp: 3, Value: []byte("v")}))
	f.Add(appendOutcome(nil, &partition.Outcome{Existed: true, Stamp: 3, Commit: 9}))
	f.Add(appendError(nil, partition.ErrFloor, 9))
	f.Fuzz(func(t *testing.T, reply []byte) {
		if _, err := decodeRead(reply); len(reply) == 0 && err == nil {
			t.Error("an empty reply to a read is taken for an answer")
		}
		if out, err := decodeOutcome(reply); err == nil {
			again, err := decodeOutcome(appendOutcome(nil, &out))
			if err != nil || again != out {
				t.Errorf("%x decodes to %+v, and that to %+v, %v", reply, out, again, err)
			}
		}
	})
}

func TestAReadReplyCrossesTheWire(t *testing.T) {
	res, err := decodeRead(appendRead(nil, true, &partition.Record{Stamp: 1 << 50, Value: []byte("value")}))
	if err != nil || !res.Found || res.Record.Stamp != 1<<50 || string(res.Record.Value) != "value" {
		t.Errorf("a value: got %+v, %v", res, err)
	}
	if res, err = decodeRead(appendRead(nil, false, &partition.Record{})); err != nil || res.Found {
		t.Errorf("no value: got %+v, %v", res, err)
	}
	if _, err = decodeRead([]byte{replyBulk}); !errors.Is(err, errAskBulk) {
		t.Errorf("a value too large: got %v, want %v", err, errAskBulk)
	}
}

func TestAnErrorKeepsItsKindAndItsWordsAcrossTheWire(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		kind   error
		words  string
		commit partition.Seq
	}{
		{"detail", fmt.Errorf("%w: partition 3 has 1 of 2", partition.ErrUnavailable), partition.ErrUnavailable, "partition 3 has 1 of 2", 0},
		{"not the primary", partition.ErrNotPrimary, partition.ErrNotPrimary, partition.ErrNotPrimary.Error(), 0},
		{"floor, with its commit", partition.ErrFloor, partition.ErrFloor, partition.ErrFloor.Error(), 1 << 40},
		{"unknown", partition.ErrUnknown, partition.ErrUnknown, partition.ErrUnknown.Error(), 0},
		{"unknown beats what promises more", errors.Join(partition.ErrUnavailable, partition.ErrUnknown), partition.ErrUnknown, "", 0},
		{"an error of no kind", errors.New("of no kind"), partition.ErrUnavailable, "of no kind", 0},
		{"long words are cut", errors.New(strings.Repeat("x", 5000)), partition.ErrUnavailable, strings.Repeat("x", maxReplyText), 0},
		{"words that are none", errors.New("\xff\xfe"), partition.ErrUnavailable, partition.ErrUnavailable.Error(), 0},
	} {
		out, err := decodeOutcome(appendError(nil, c.err, c.commit))
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.words) || out.Commit != c.commit {
			t.Errorf("%s: got %v (commit %d), want %v with %q (commit %d)", c.name, err, out.Commit, c.kind, c.words, c.commit)
		}
		for _, other := range wireErrors[1:] {
			if other != c.kind && errors.Is(err, other) {
				t.Errorf("%s: %v also is %v", c.name, err, other)
			}
		}
	}
}

func TestAMalformedReplySaysThatAnythingMayHaveHappened(t *testing.T) {
	for _, reply := range [][]byte{nil, {}, {replyDone}, {replyDone, 0}, {replyError}, {replyError + 9, 0}, {replyError + 1}, {255, 255, 255}} {
		if _, err := decodeOutcome(reply); err == nil || didNothing(err) {
			t.Errorf("reply %x: got %v", reply, err)
		}
	}
}
