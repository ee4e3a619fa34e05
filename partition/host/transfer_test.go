package host

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// source opens a host that leads the only partition, to read transfers from.
func source(t *testing.T) *Host {
	h, closeAll := openTest(t, &script{}, alone(), nil)
	t.Cleanup(closeAll)
	poll(t, "the host is up", func() bool { return h.Status().Up })
	return h
}

func (h *Host) do(t *testing.T, kind partition.OpKind, key string, value []byte) {
	t.Helper()
	op := partition.Op{Kind: kind, Key: []byte(key), Value: value}
	if _, _, err := h.Write(context.Background(), op); err != nil {
		t.Fatal(err)
	}
}

// position returns where the only copy stands.
func (h *Host) position(t *testing.T) partition.Position {
	t.Helper()
	copies, err := h.store.Copies(1)
	if err != nil || len(copies) != 1 {
		t.Fatalf("copies: %+v, %v", copies, err)
	}
	return copies[0].Position
}

// build builds all chunks of a transfer.
func build(t *testing.T, h *Host, job replica.Job) []*replica.Chunk {
	t.Helper()
	tr := &transfer{job: job}
	defer tr.close()
	var chunks []*replica.Chunk
	for {
		c, err := tr.next(h, chunkBytes)
		if err != nil {
			t.Fatal(err)
		}
		if c.Index != len(chunks) || (c.Head != nil) != (c.Index == 0) || c.Transfer != job.Transfer || c.Term != job.Term {
			t.Fatalf("chunk %d: %+v", len(chunks), c)
		}
		if chunks = append(chunks, c); c.Last {
			return chunks
		}
	}
}

func TestASnapshotHasEveryRecordOnceInChunksOfBoundedSize(t *testing.T) {
	h := source(t)
	const n, large = 60, 20 << 10
	for i := range n {
		h.do(t, partition.OpPut, fmt.Sprintf("key%02d", i), bytes.Repeat([]byte{byte(i)}, large))
	}
	h.do(t, partition.OpPut, "huge", make([]byte, 2*chunkBytes))
	h.do(t, partition.OpDelete, "key07", nil)
	chunks := build(t, h, replica.Job{Partition: 0, Term: 1, Transfer: 9, Reset: true})
	if len(chunks) < 5 {
		t.Errorf("%d chunks", len(chunks))
	}
	var keys []string
	for _, c := range chunks {
		bytes := 0
		for i, v := range c.Values {
			if bytes >= chunkBytes {
				t.Errorf("chunk %d has %d bytes before its value %d", c.Index, bytes, i)
			}
			bytes += stateBytes(&v)
			keys = append(keys, string(v.Key))
			if !v.Found || v.Stamp == 0 {
				t.Errorf("%s: %+v", v.Key, v.Stamp)
			}
			if v.Key[0] == 'k' && (len(v.Value) != large || fmt.Sprintf("key%02d", v.Value[0]) != string(v.Key)) {
				t.Errorf("%s has the wrong value", v.Key)
			}
		}
	}
	want := []string{"huge"}
	for i := range n {
		if i != 7 {
			want = append(want, fmt.Sprintf("key%02d", i))
		}
	}
	if fmt.Sprint(keys) != fmt.Sprint(want) {
		t.Errorf("got keys %v, want %v", keys, want)
	}
	head := chunks[0].Head
	if !head.Reset || head.After != (partition.Label{}) || len(head.Records) != n+2 || head.Position.Last.Seq != n+2 || head.Position.Mark != nil {
		t.Errorf("head: after %v, %d records, position %+v", head.After, len(head.Records), head.Position)
	}
}

func TestADeltaHasThePresentStateOfTheKeysWrittenSince(t *testing.T) {
	h := source(t)
	for _, key := range []string{"a", "b", "c", "d"} {
		h.do(t, partition.OpPut, key, []byte("old"))
	}
	after := h.position(t).Last
	h.do(t, partition.OpPut, "c", []byte("new"))
	h.do(t, partition.OpDelete, "b", nil)
	h.do(t, partition.OpPut, "c", []byte("newer"))
	h.do(t, partition.OpPut, "e", []byte("fresh"))
	for _, whole := range []bool{false, true} {
		chunks := build(t, h, replica.Job{
			Term: 1, Transfer: 2, After: after, Whole: whole, Extra: [][]byte{[]byte("x"), []byte("a"), []byte("c")},
		})
		if len(chunks) != 1 {
			t.Fatalf("%d chunks", len(chunks))
		}
		got := ""
		for _, v := range chunks[0].Values {
			got += fmt.Sprintf("%s=%s/%t ", v.Key, v.Value, v.Found)
		}
		if want := "a=old/true b=/false c=newer/true e=fresh/true x=/false "; got != want {
			t.Errorf("values %q, want %q", got, want)
		}
		labels := ""
		for _, r := range chunks[0].Head.Records {
			labels += fmt.Sprintf("%d:%s ", r.Label.Seq, r.Key)
		}
		if want := "5:c 6:b 7:c 8:e "; labels != want || chunks[0].Head.After != after || chunks[0].Head.Position.Last.Seq != 8 {
			t.Errorf("records %q, want %q; head %+v", labels, want, chunks[0].Head)
		}
	}
}

func TestAWholeDeltaIsOneChunkHoweverLarge(t *testing.T) {
	h := source(t)
	for i := range 10 {
		h.do(t, partition.OpPut, fmt.Sprint("key", i), make([]byte, chunkBytes/2))
	}
	if chunks := build(t, h, replica.Job{Term: 1, Whole: true}); len(chunks) != 1 || len(chunks[0].Values) != 10 {
		t.Errorf("%d chunks", len(chunks))
	}
	if chunks := build(t, h, replica.Job{Term: 1}); len(chunks) < 4 {
		t.Errorf("not whole: %d chunks", len(chunks))
	}
}

func TestAFirstChunkWithManyLogRecordsHasNoValues(t *testing.T) {
	h := source(t)
	h.do(t, partition.OpPut, "a huge one", make([]byte, 2*chunkBytes))
	for i := range 5 {
		h.do(t, partition.OpPut, fmt.Sprint("key", i, strings.Repeat("k", chunkBytes/4)), nil)
	}
	for _, job := range []replica.Job{{Term: 1, Reset: true}, {Term: 1}} {
		chunks := build(t, h, job)
		if first := chunks[0]; len(first.Head.Records) != 6 || len(first.Values) > 0 || first.Last {
			t.Errorf("reset %t: the first of %d chunks has %d log records and %d values",
				job.Reset, len(chunks), len(first.Head.Records), len(first.Values))
		}
		values := 0
		for _, c := range chunks {
			values += len(c.Values)
		}
		if values != 6 {
			t.Errorf("reset %t: got %d values, want 6", job.Reset, values)
		}
	}
}

func TestATransferShowsOneMoment(t *testing.T) {
	h := source(t)
	for i := range 6 {
		h.do(t, partition.OpPut, fmt.Sprint("key", i), make([]byte, chunkBytes))
	}
	tr := &transfer{job: replica.Job{Term: 1, Reset: true}}
	defer tr.close()
	first, err := tr.next(h, chunkBytes)
	if err != nil || len(first.Values) != 1 {
		t.Fatal(first, err)
	}
	for i := range 6 {
		h.do(t, partition.OpPut, fmt.Sprint("key", i), []byte("later"))
	}
	for i := 1; i < 6; i++ {
		c, err := tr.next(h, chunkBytes)
		if err != nil || len(c.Values) != 1 || len(c.Values[0].Value) != chunkBytes || c.Last != (i == 5) {
			t.Fatalf("chunk %d: %d values, last %t, %v", i, len(c.Values), c.Last, err)
		}
	}
}

func TestAnEmptyCopyIsOneChunkWithNothing(t *testing.T) {
	h := source(t)
	for _, reset := range []bool{false, true} {
		chunks := build(t, h, replica.Job{Term: 1, Reset: reset})
		if len(chunks) != 1 || len(chunks[0].Values) > 0 || chunks[0].Head.Position.LogStart != 1 || chunks[0].Head.After.Seq != 0 {
			t.Errorf("reset %t: %+v", reset, chunks[0])
		}
	}
}

func TestADeltaFromBeforeTheLogIsRefusedAndASnapshotSaysWhereItsLogBegins(t *testing.T) {
	h := source(t)
	for i := range 1000 {
		h.do(t, partition.OpPut, fmt.Sprint("key", i%10), []byte("v"))
	}
	pos := h.position(t)
	if pos.LogStart == 1 {
		t.Fatal("the log was never cut")
	}
	tr := &transfer{job: replica.Job{Term: 1, After: partition.Label{Term: 1, Seq: 5}}}
	if _, err := tr.next(h, chunkBytes); !errors.Is(err, errLogCut) {
		t.Errorf("delta after 5 with a log from %d: got %v, want %v", pos.LogStart, err, errLogCut)
	}
	tr.close()
	chunks := build(t, h, replica.Job{Term: 1, Reset: true})
	head := chunks[0].Head
	if head.After.Seq != pos.LogStart-1 || head.After.Term != 1 || len(head.Records) != int(pos.Last.Seq-head.After.Seq) {
		t.Errorf("after %v, %d records; position %+v", head.After, len(head.Records), pos)
	}
}

func TestACancelledTransferIsClosedWhateverItsState(t *testing.T) {
	h := source(t)
	for i := range 6 {
		h.do(t, partition.OpPut, fmt.Sprint("key", i), make([]byte, chunkBytes))
	}
	j := h.jobs
	j.submit([]replica.Job{
		{Kind: replica.JobTransfer, Term: 99, Transfer: 1, Reset: true},
		{Kind: replica.JobCancel, Transfer: 1},
		{Kind: replica.JobTransfer, Term: 99, Transfer: 2, Reset: true},
	})
	open := func() string {
		j.mu.Lock()
		defer j.mu.Unlock()
		s := ""
		for n, tr := range j.open {
			s += fmt.Sprint(n, " ", tr.running, " ", tr.sent.Chunks, "; ")
		}
		return s
	}
	poll(t, "transfer 2 is under way, 1 closed", func() bool { return open() == "2 false 1; " })
	j.submit([]replica.Job{{Kind: replica.JobNext, Transfer: 2}, {Kind: replica.JobCancel, Transfer: 2}})
	poll(t, "no transfer is open", func() bool { return open() == "" })
	j.submit([]replica.Job{{Kind: replica.JobNext, Transfer: 2}, {Kind: replica.JobCancel, Transfer: 77}})
	j.submit([]replica.Job{{Kind: replica.JobTransfer, Term: 99, Transfer: 3, Reset: true}})
	poll(t, "transfer 3 is under way", func() bool { return open() == "3 false 1; " })
	// Close ends it: the store would complain of an open view.
}
