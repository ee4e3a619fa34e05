package fsm

import (
	"bytes"
	"hash/crc32"
	"io"
	"reflect"
	"testing"

	"github.com/hashicorp/raft"
)

// busy returns a state that has something of everything.
func busy(t testing.TB, q int) *State {
	l := born(t, q)
	l.join(2, 3, 4, 5)
	l.fill()
	l.must(2, &importDone{})
	l.must(1, &abortJoin{77})
	l.must(1, &peerState{4, 1, turnDown})
	l.join(6)
	l.must(1, &removePeer{6})
	l.must(1, &removePeer{3})
	l.by(5, joiner(5))
	l.by(5, &removePeer{9})
	return l.State
}

func TestASnapshotHoldsTheWholeState(t *testing.T) {
	for name, s := range map[string]*State{"busy": busy(t, 32), "just founded": born(t, 3).State, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeState(encodeState(s))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Map, s.Map) || !reflect.DeepEqual(got.last, s.last) {
				t.Fatalf("got %+v %+v\nwant %+v %+v", got.Map, got.last, s.Map, s.last)
			}
			if !bytes.Equal(encodeState(got), encodeState(s)) {
				t.Fatal("the copy has another encoding")
			}
		})
	}
}

func TestADamagedSnapshotIsNoticed(t *testing.T) {
	whole := encodeState(busy(t, 4))
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 1
		if _, err := decodeState(bad); err == nil {
			t.Fatalf("byte %d changed, and it was taken", i)
		}
		if _, err := decodeState(whole[:i]); err == nil {
			t.Fatalf("cut to %d bytes, and it was taken", i)
		}
	}
}

func TestAFailedRestoreLeavesTheState(t *testing.T) {
	m := newMachine(1, 1, func(err error) { t.Fatal(err) })
	s := busy(t, 4)
	whole := encodeState(s)
	if err := m.Restore(io.NopCloser(bytes.NewReader(whole))); err != nil {
		t.Fatal(err)
	}
	before := m.state.Load()
	if err := m.Restore(io.NopCloser(bytes.NewReader(whole[:9]))); err == nil || m.state.Load() != before {
		t.Fatalf("error %v, state replaced: %v", err, m.state.Load() != before)
	}
}

func FuzzDecodeState(f *testing.F) {
	for _, s := range []*State{{}, busy(f, 2)} {
		b := encodeState(s)
		f.Add(b[1 : len(b)-crc32.Size])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newWriter(len(body))
		w.b = append(w.b, body...)
		s, err := decodeState(w.seal())
		if err != nil {
			return
		}
		again, err := decodeState(encodeState(s))
		if err != nil || !reflect.DeepEqual(again, s) {
			t.Fatalf("%+v came back as %+v, %v", s, again, err)
		}
	})
}

func TestMemorySnapshotsShowWholeOnesOnly(t *testing.T) {
	var m memorySnapshots
	create := func(index uint64, text string) raft.SnapshotSink {
		sink, err := m.Create(1, index, 1, raft.Configuration{}, 1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(sink, text); err != nil {
			t.Fatal(err)
		}
		return sink
	}
	check := func(what string, want string) {
		t.Helper()
		list, err := m.List()
		if err != nil || len(list) != 1 {
			t.Fatalf("%s: list %v, %v", what, list, err)
		}
		meta, r, err := m.Open(list[0].ID)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		b, _ := io.ReadAll(r)
		if string(b) != want || meta.Size != int64(len(want)) {
			t.Fatalf("%s: got %q of size %d, want %q", what, b, meta.Size, want)
		}
	}
	if list, err := m.List(); err != nil || len(list) != 0 {
		t.Fatalf("new: %v, %v", list, err)
	}
	one := create(1, "one")
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	two := create(2, "tw")
	check("while the next is written", "one")
	if err := two.Cancel(); err != nil {
		t.Fatal(err)
	}
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	check("after the next was cancelled", "one")
	if err := create(3, "three").Close(); err != nil {
		t.Fatal(err)
	}
	check("after the next but one", "three")
	if _, _, err := m.Open(one.ID()); err == nil {
		t.Fatal("the first is still there")
	}
}
