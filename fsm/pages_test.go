package fsm

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

func TestAFlippedBitOfTheRaftStoreIsNotGoneOnWith(t *testing.T) {
	pristine := filled(t, 200)
	want, err := reread(copyDir(t, pristine))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(pristine, dbName))
	if err != nil {
		t.Fatal(err)
	}
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	noticed := 0
	const flips = 150
	dir := copyDir(t, pristine)
	for range flips {
		bit := rng.IntN(len(content) * 8)
		content[bit/8] ^= 1 << (bit % 8)
		if err := os.WriteFile(filepath.Join(dir, dbName), content, 0o600); err != nil {
			t.Fatal(err)
		}
		switch got, err := reread(dir); {
		case errors.Is(err, ErrDamaged):
			noticed++
		case err != nil:
			t.Errorf("seed %d, bit %d: %v, want %v", seed, bit, err, ErrDamaged)
		case got != want:
			t.Errorf("seed %d, bit %d: got other content and no error", seed, bit)
		}
		content[bit/8] ^= 1 << (bit % 8)
	}
	t.Logf("%d of %d flips noticed; the others hit what is not in use", noticed, flips)
}

// The lists of what is where have no checksums: with one element less, or with the
// page of another time, a log ends early, and nothing else is wrong with it.
func TestAFlippedBitOfAPagesListIsNotGoneOnWith(t *testing.T) {
	pristine := filled(t, 200)
	want, err := reread(copyDir(t, pristine))
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(pristine, dbName))
	if err != nil {
		t.Fatal(err)
	}
	dir, noticed := copyDir(t, pristine), 0
	flip := func(bytes []byte) {
		for bit := range 8 * len(bytes) {
			bytes[bit/8] ^= 1 << (bit % 8)
			if err := os.WriteFile(filepath.Join(dir, dbName), content, 0o600); err != nil {
				t.Fatal(err)
			}
			switch got, err := reread(dir); {
			case errors.Is(err, ErrDamaged):
				noticed++
			case err != nil || got != want:
				t.Errorf("bit %d of % x: opened with other content, %v", bit, bytes, err)
			}
			bytes[bit/8] ^= 1 << (bit % 8)
		}
	}
	for _, page := range usedPages(t, content) {
		elements, _, err := elementsOf(page)
		if err != nil {
			t.Fatal(err)
		}
		table := page[pageHeader:][:len(elements)*elementLen]
		flip(page[:pageHeader])
		flip(table[:elementLen])
		flip(table[len(table)-elementLen:])
		for _, e := range elements {
			if e.bucket {
				flip(e.key)
				flip(e.value[:8]) // its page
			}
		}
	}
	if noticed == 0 {
		t.Error("no flip was noticed")
	}
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
	pristine := filled(t, 200)
	content, err := os.ReadFile(filepath.Join(pristine, dbName))
	if err != nil {
		t.Fatal(err)
	}
	meta, _ := newestMeta(content)
	ne, size := binary.NativeEndian, uint64(os.Getpagesize())
	elements, _, err := elementsOf(content[ne.Uint64(meta[16:])*size:][:size])
	if err != nil || len(elements) != 2 || string(elements[1].key) != "logs" {
		t.Fatalf("the root is %+v, %v", elements, err)
	}
	root := elements[1].value[:8]
	own, dir := ne.Uint64(root), copyDir(t, pristine)
	for other := range ne.Uint64(meta[40:]) {
		ne.PutUint64(root, other)
		if err := os.WriteFile(filepath.Join(dir, dbName), content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := reread(dir); other != own && !errors.Is(err, ErrDamaged) {
			t.Errorf("page %d for page %d: %v, want %v", other, own, err, ErrDamaged)
		}
	}
}

// Without its newest meta page a database is as it was one transaction before.
func TestAFlippedBitDoesNotTakeATransactionBack(t *testing.T) {
	pristine := filled(t, 200)
	content, err := os.ReadFile(filepath.Join(pristine, dbName))
	if err != nil {
		t.Fatal(err)
	}
	want, err := reread(copyDir(t, pristine))
	if err != nil {
		t.Fatal(err)
	}
	dir, noticed := copyDir(t, pristine), 0
	for _, page := range []int{0, os.Getpagesize()} {
		for bit := 0; bit < 8*(metaSize+8); bit += 7 {
			at := page + pageHeader + bit/8
			content[at] ^= 1 << (bit % 8)
			if err := os.WriteFile(filepath.Join(dir, dbName), content, 0o600); err != nil {
				t.Fatal(err)
			}
			switch got, err := reread(dir); {
			case errors.Is(err, ErrDamaged):
				noticed++
			case err != nil || got != want:
				t.Errorf("page at %d, bit %d: opened with other content, %v", page, bit, err)
			}
			content[at] ^= 1 << (bit % 8)
		}
	}
	if noticed == 0 {
		t.Error("no flip was noticed")
	}
}
