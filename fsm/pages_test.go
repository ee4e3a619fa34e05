package fsm

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// flipping is a Raft store whose database is opened again and again, with one bit of
// it flipped at a time.
type flipping struct {
	t       *testing.T
	dir     string
	content []byte // of the database
	want    string // what the store tells

	flips, noticed int
}

func newFlipping(t *testing.T) *flipping {
	t.Helper()
	dir := filled(t, 200)
	content, err := os.ReadFile(filepath.Join(dir, dbName))
	if err != nil {
		t.Fatal(err)
	}
	want, err := reread(dir)
	if err != nil {
		t.Fatal(err)
	}
	return &flipping{t: t, dir: dir, content: content, want: want}
}

// open opens the store on the content as it is now.
func (f *flipping) open() (got string, err error) {
	f.t.Helper()
	if err := os.WriteFile(filepath.Join(f.dir, dbName), f.content, 0o600); err != nil {
		f.t.Fatal(err)
	}
	return reread(f.dir)
}

// flip flips a bit of some bytes of the content, which is to be noticed, or to make no
// difference.
func (f *flipping) flip(bytes []byte, bit int) {
	f.t.Helper()
	f.flips++
	bytes[bit/8] ^= 1 << (bit % 8)
	switch got, err := f.open(); {
	case errors.Is(err, ErrDamaged):
		f.noticed++
	case err != nil || got != f.want:
		f.t.Errorf("bit %d of %d bytes, which makes % x of %d: opened with other content, %v", bit, len(bytes), bytes[bit/8], bit/8, err)
	}
	bytes[bit/8] ^= 1 << (bit % 8)
}

// end expects that some flips were noticed.
func (f *flipping) end() {
	f.t.Helper()
	f.t.Logf("%d of %d flips noticed; the others hit what is not in use", f.noticed, f.flips)
	if f.noticed == 0 {
		f.t.Error("no flip was noticed")
	}
}

func TestAFlippedBitOfTheRaftStoreIsNotGoneOnWith(t *testing.T) {
	f := newFlipping(t)
	for range 150 {
		f.flip(f.content, rand.IntN(8*len(f.content)))
	}
}

// The lists of what is where have no checksums: with one element less, or with the
// page of another time, a log ends early, and nothing else is wrong with it.
func TestAFlippedBitOfAPagesListIsNotGoneOnWith(t *testing.T) {
	f := newFlipping(t)
	all := func(bytes []byte) {
		for bit := range 8 * len(bytes) {
			f.flip(bytes, bit)
		}
	}
	for _, page := range usedPages(t, f.content) {
		elements, _, err := elementsOf(page)
		if err != nil {
			t.Fatal(err)
		}
		table := page[pageHeader:][:len(elements)*elementLen]
		all(page[:pageHeader])
		all(table[:elementLen])
		all(table[len(table)-elementLen:])
		for _, e := range elements {
			if e.bucket {
				all(e.key)
				all(e.value[:8]) // its page
			}
		}
	}
	f.end()
}

// usedPages returns the branches and leaves of a database.
func usedPages(t *testing.T, content []byte) (used [][]byte) {
	t.Helper()
	meta, _ := newestMeta(content)
	ne := binary.NativeEndian
	p := pages{file: content, size: uint64(os.Getpagesize()), seen: make([]bool, ne.Uint64(meta[40:]))}
	if _, err := p.walk(ne.Uint64(meta[16:]), &top, nil, nil); err != nil {
		t.Fatal(err)
	}
	for id, seen := range p.seen {
		if seen {
			used = append(used, content[uint64(id)*p.size:][:p.size])
		}
	}
	return used
}

// A page that is free still is what it was: the log of some time ago.
func TestALogIsNotLedToAnotherTimesPage(t *testing.T) {
	f := newFlipping(t)
	meta, _ := newestMeta(f.content)
	ne, size := binary.NativeEndian, uint64(os.Getpagesize())
	elements, _, err := elementsOf(f.content[ne.Uint64(meta[16:])*size:][:size])
	if err != nil || len(elements) != 2 || string(elements[1].key) != "logs" {
		t.Fatalf("the root is %+v, %v", elements, err)
	}
	root := elements[1].value[:8]
	own := ne.Uint64(root)
	for other := range ne.Uint64(meta[40:]) {
		ne.PutUint64(root, other)
		if _, err := f.open(); other != own && !errors.Is(err, ErrDamaged) {
			t.Errorf("page %d for page %d: %v, want %v", other, own, err, ErrDamaged)
		}
	}
}

// Without its newest meta page a database is as it was one transaction before.
func TestAFlippedBitDoesNotTakeATransactionBack(t *testing.T) {
	f := newFlipping(t)
	for _, page := range []int{0, os.Getpagesize()} {
		for bit := 0; bit < 8*(metaSize+8); bit += 7 {
			f.flip(f.content[page+pageHeader:][:metaSize+8], bit)
		}
	}
	f.end()
}
