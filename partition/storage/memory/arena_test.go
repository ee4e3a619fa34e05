package memory

import (
	"bytes"
	"testing"
)

// Room that records leave is used again, for others of their size or, where a chunk
// has become empty, of any size.
func TestRoomIsUsedAgain(t *testing.T) {
	a := new(Arena)
	fill := func(n, bytes int) (all []ref) {
		for range n {
			r, err := a.put(nil, make([]byte, bytes-headerLen))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
		return all
	}
	const small, perChunk = 128, chunkBytes / 128
	all := fill(10*perChunk, small)
	expect := func(what string, chunks int, bytes int64) {
		t.Helper()
		if got := len(a.chunks()) - 1; got != chunks || a.Bytes() != bytes {
			t.Errorf("%s: %d chunks with %d bytes, want %d with %d", what, got, a.Bytes(), chunks, bytes)
		}
	}
	expect("full", 10, 10<<20)
	for i := 0; i < len(all); i += 2 {
		a.drop(all[i])
	}
	expect("half of each", 10, 5<<20)
	again := fill(5*perChunk, small)
	expect("full again", 10, 10<<20)
	for i := 1; i < len(all); i += 2 {
		again = append(again, all[i])
	}
	for _, r := range again {
		a.drop(r)
	}
	expect("empty", 10, 0)
	fill(10*chunkBytes/mostBytes, mostBytes)
	expect("of another size", 10, 10<<20)
}

// A large record has memory of its own, which stays as long as somebody reads it.
func TestALargeRecordStaysWhileItIsRead(t *testing.T) {
	a := new(Arena)
	m := New(a)
	set := func(b byte) {
		m.Lock()
		defer m.Unlock()
		if err := m.Set([]byte("k"), bytes.Repeat([]byte{b}, mostBytes)); err != nil {
			t.Fatal(err)
		}
	}
	set('1')
	old, closer, _ := m.Get([]byte("k"))
	set('2')
	if !bytes.Equal(old, bytes.Repeat([]byte("1"), mostBytes)) {
		t.Error("the old value changed while it was read")
	}
	closer.Close()
	for range 10 {
		set('3')
	}
	if n := len(a.chunks()) - 1; n > 2 {
		t.Errorf("%d chunks for one record", n)
	}
}

// The first record of a node may go while its keys stop beginning alike: what is no
// more is not looked at.
func TestANodeForgetsWhatIsGone(t *testing.T) {
	m := New(new(Arena))
	m.Lock()
	defer m.Unlock()
	for i := range fan {
		if err := m.Set([]byte{'a', 'a', byte(i)}, nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"aaz", "ab"} { // in a leaf of their own
		if err := m.Set([]byte(key), nil); err != nil {
			t.Fatal(err)
		}
	}
	m.Delete([]byte("aaz"))
	if m.trees.find([]byte("ab")) == 0 || m.trees.find([]byte("aaz")) != 0 {
		t.Error("not deleted, or too much")
	}
}

func TestEverySizeHasTheSmallestSlot(t *testing.T) {
	for n := 1; n <= mostBytes; n++ {
		c := classOf(n)
		if c < 0 || c >= classes || sizes[c] < uint32(n) || c > 0 && sizes[c-1] >= uint32(n) {
			t.Fatalf("%d bytes: class %d of %v", n, c, sizes)
		}
	}
	if classOf(mostBytes+1) != classes {
		t.Error("what is too large has a slot")
	}
}

func TestALargeSizeIsOfWholePagesAndWastesLittle(t *testing.T) {
	const page = 4096
	for n := mostBytes + 1; n <= 32<<20; n += n/1000 + 1 {
		if size := largeSize(n); size < n || size%page != 0 || (size-n)*perDouble >= n {
			t.Fatalf("%d bytes for a record of %d", size, n)
		}
	}
}

// What large records leave is used for others of their size, up to a bound.
func TestLargeRecordsUseTheMemoryOfThoseBefore(t *testing.T) {
	var a Arena
	put := func(bytes int) ref {
		r, err := a.put(nil, make([]byte, bytes))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	const size = 3 << 20
	first := put(size)
	a.drop(first)
	if len(a.warm.chunks) != 1 {
		t.Fatalf("%d warm chunks after one was left, want 1", len(a.warm.chunks))
	}
	if again := put(size); again != first || len(a.warm.chunks) > 0 || a.warm.bytes != 0 {
		t.Errorf("record at %x, want %x; %d warm chunks with %d bytes", again, first, len(a.warm.chunks), a.warm.bytes)
	}
	var all []ref
	for range 2 * warmBytes / size {
		all = append(all, put(size))
	}
	for _, r := range all {
		a.drop(r)
	}
	if a.warm.bytes > warmBytes || a.warm.bytes < warmBytes-2*size {
		t.Errorf("%d bytes are kept, want about %d", a.warm.bytes, warmBytes)
	}
	for range all {
		put(size)
	}
	if a.warm.bytes != 0 {
		t.Errorf("%d bytes of chunks that are in use are called warm", a.warm.bytes)
	}
}
