package fsm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
)

// bbolt's pages bear no checksums, and it panics, in a goroutine of its own, where
// they do not make a tree. checkPages looks at its file first. Of bbolt's format, in
// the machine's byte order, it needs to know
//
//	page    id 8 | flags 2 | count 2 | overflow 4 | content
//	meta    magic 4 | version 4 | page size 4 | flags 4 | root 8 | sequence 8 |
//	        free list 8 | pages in all 8 | transaction 8 | FNV-1a of what precedes 8
//	free    ids, 8 each; of 65,535 and more the first one is the count
//
// and branches and leaves: see elementsOf. A page is reached from the root once, or
// is free, or the list of those. So the tree cannot be led to what a page was before,
// and an entry of Raft's log be missing for it.
const (
	pageHeader = 16
	metaSize   = 56 // without its checksum
	branchPage = 1
	leafPage   = 2
	freePage   = 16
)

// pages is a bbolt file as it is walked.
type pages struct {
	file []byte
	size uint64 // of a page
	seen []bool // of every page in use, or free: it was met
}

// checkPages reports ErrDamaged if the database at path, as raft-boltdb makes it, is
// not whole but for what is in its keys and values, or its last transaction is
// missing for a flipped bit. What it cannot make sense of at all is for bbolt to judge.
func checkPages(path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	meta, flipped := newestMeta(file)
	switch {
	case flipped:
		return fmt.Errorf("%w (a bit of its newest meta page)", ErrDamaged)
	case meta == nil:
		return nil
	}
	ne := binary.NativeEndian
	p := pages{file: file, size: uint64(ne.Uint32(meta[8:]))}
	all := ne.Uint64(meta[40:])
	if all < 4 || all > uint64(len(file))/p.size {
		return fmt.Errorf("%w (it has %d bytes, not %d pages)", ErrDamaged, len(file), all)
	}
	p.seen = make([]bool, all)
	p.seen[0], p.seen[1] = true, true // meta pages
	page, err := p.walk(ne.Uint64(meta[16:]), &top, nil, nil)
	if err == nil {
		page, err = p.free(ne.Uint64(meta[32:]))
	}
	if err == nil {
		page, err = p.unseen()
	}
	if err != nil {
		return fmt.Errorf("%w (page %d: %w)", ErrDamaged, page, err)
	}
	return nil
}

// newestMeta returns the newer of the two meta pages that is whole, nil if none is.
// flipped: one that is newer would be whole if one bit of it were not flipped. bbolt
// would take that for a crash, and go on without the transaction.
func newestMeta(file []byte) (newest []byte, flipped bool) {
	transaction := func(meta []byte) uint64 { return binary.NativeEndian.Uint64(meta[48:]) }
	for _, at := range []int{0, os.Getpagesize()} {
		if at+pageHeader+metaSize+8 > len(file) {
			break
		}
		meta, repaired := wholeMeta(file[at+pageHeader:][:metaSize+8])
		if meta != nil && (newest == nil || transaction(meta) > transaction(newest)) {
			newest, flipped = meta, repaired
		}
	}
	return newest, flipped
}

// wholeMeta returns a meta page, nil if it is not whole, and whether one bit of it
// had to be repaired.
func wholeMeta(meta []byte) (whole []byte, repaired bool) {
	fits := func() bool {
		sum := fnv.New64a()
		sum.Write(meta[:metaSize])
		return sum.Sum64() == binary.NativeEndian.Uint64(meta[metaSize:])
	}
	if fits() {
		return meta, false
	}
	meta = bytes.Clone(meta)
	for bit := range len(meta) * 8 {
		meta[bit/8] ^= 1 << (bit % 8)
		if fits() {
			return meta, true
		}
		meta[bit/8] ^= 1 << (bit % 8)
	}
	return nil, false
}

// page returns a page of some kind that is met for the first time, with its overflow.
func (p *pages) page(id uint64) ([]byte, error) {
	ne := binary.NativeEndian
	if id >= uint64(len(p.seen)) {
		return nil, fmt.Errorf("it is none of %d", len(p.seen))
	}
	head := p.file[id*p.size:]
	end := id + 1 + uint64(ne.Uint32(head[12:]))
	if ne.Uint64(head) != id || end > uint64(len(p.seen)) {
		return nil, errHeader
	}
	for used := id; used < end; used++ {
		if err := p.meet(used); err != nil {
			return nil, err
		}
	}
	return head[:(end-id)*p.size], nil
}

func (p *pages) meet(id uint64) error {
	if p.seen[id] {
		return fmt.Errorf("page %d is used twice", id)
	}
	p.seen[id] = true
	return nil
}

// free meets the free pages, and that of their list.
func (p *pages) free(id uint64) (at uint64, err error) {
	ne := binary.NativeEndian
	page, err := p.page(id)
	if err != nil {
		return id, err
	}
	ids, count := page[pageHeader:], uint64(ne.Uint16(page[10:]))
	if count == 0xFFFF {
		ids, count = ids[8:], ne.Uint64(ids)
	}
	if ne.Uint16(page[8:]) != freePage || count > uint64(len(ids))/8 {
		return id, errHeader
	}
	for i := range count {
		free := ne.Uint64(ids[8*i:])
		if free >= uint64(len(p.seen)) {
			return id, fmt.Errorf("page %d is none of %d", free, len(p.seen))
		}
		if err := p.meet(free); err != nil {
			return id, err
		}
	}
	return id, nil
}

// unseen returns an error if there is a page that was not met.
func (p *pages) unseen() (at uint64, err error) {
	for id, seen := range p.seen {
		if !seen {
			return uint64(id), fmt.Errorf("it is neither used nor free")
		}
	}
	return 0, nil
}

// walk checks a page of a bucket and those below it, whose keys are to ascend from
// low on, if there is one, to below high; at is the page that err is about.
func (p *pages) walk(id uint64, in *bucket, low, high []byte) (at uint64, err error) {
	page, err := p.page(id)
	if err != nil {
		return id, err
	}
	elements, _, err := elementsOf(page)
	if err != nil {
		return id, err
	}
	for i, e := range elements {
		if low != nil && bytes.Compare(e.key, low) < 0 || high != nil && bytes.Compare(e.key, high) >= 0 {
			return id, errOrder
		}
		if !e.branch {
			if at, err := p.leaf(id, e, in); err != nil {
				return at, err
			}
			continue
		}
		to := high
		if i+1 < len(elements) {
			to = elements[i+1].key
		}
		if at, err := p.walk(e.below, in, e.key, to); err != nil {
			return at, err
		}
	}
	return id, nil
}
