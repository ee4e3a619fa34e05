package fsm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"os"
)

// bbolt panics, in a goroutine of its own, where the pages of its file do not make
// a tree. checkPages looks at them first. Of bbolt's format, in the machine's byte
// order, it needs to know
//
//	page    id 8 | flags 2 | count 2 | overflow 4 | elements
//	meta    magic 4 | version 4 | page size 4 | flags 4 | root 8 | sequence 8 |
//	        free pages 8 | pages in all 8 | transaction 8 | FNV-1a of what precedes 8
//	branch  position 4 | key size 4 | page 8
//	leaf    flags 4 (bit 0: bucket) | position 4 | key size 4 | value size 4
//
// where a position counts from its element, and a bucket's value begins with its
// root page, 0 if all of it is in the value.
const (
	pageHeader = 16
	metaSize   = 56 // without its checksum
	branchPage = 1
	leafPage   = 2
	elementLen = 16
)

// pages is a bbolt file as it is walked.
type pages struct {
	file []byte
	size uint64 // of a page
	all  uint64 // pages in use, or free
	seen map[uint64]bool
}

// checkPages reports ErrDamaged if the pages of a database that is there do not
// make a tree, or its last transaction is missing for a flipped bit. What it cannot
// make sense of at all is for bbolt to judge.
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
	p := pages{file: file, size: uint64(ne.Uint32(meta[8:])), all: ne.Uint64(meta[40:]), seen: make(map[uint64]bool)}
	if page, err := p.walk(ne.Uint64(meta[16:]), nil, nil); err != nil {
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

// walk checks a page and those below it, whose keys are to ascend from low on, if
// there is one, to below high; at is the page that err is about.
func (p pages) walk(id uint64, low, high []byte) (at uint64, err error) {
	ne := binary.NativeEndian
	if id < 2 || id >= p.all || (id+1)*p.size > uint64(len(p.file)) {
		return id, fmt.Errorf("it is none of %d", p.all)
	}
	head := p.file[id*p.size:]
	overflow := uint64(ne.Uint32(head[12:]))
	if ne.Uint64(head) != id || id+overflow >= p.all || (id+overflow+1)*p.size > uint64(len(p.file)) {
		return id, fmt.Errorf("its header is wrong")
	}
	for used := id; used <= id+overflow; used++ {
		if p.seen[used] {
			return used, fmt.Errorf("it is used twice")
		}
		p.seen[used] = true
	}
	page := head[:(overflow+1)*p.size]
	flags, count := ne.Uint16(page[8:]), uint64(ne.Uint16(page[10:]))
	if flags != branchPage && flags != leafPage || pageHeader+count*elementLen > uint64(len(page)) {
		return id, fmt.Errorf("its header is wrong")
	}
	keys, err := keysOf(page, flags, count, low, high)
	if err != nil {
		return id, err
	}
	for i := range count {
		below, found, err := child(page[pageHeader+i*elementLen:], flags)
		if err != nil {
			return id, err
		}
		if !found {
			continue
		}
		var from, to []byte // of a bucket: any
		if flags == branchPage {
			from, to = keys[i], high
			if i+1 < count {
				to = keys[i+1]
			}
		}
		if at, err := p.walk(below, from, to); err != nil {
			return at, err
		}
	}
	return id, nil
}

// keysOf returns the keys of a page, which are to ascend from low to below high.
func keysOf(page []byte, flags uint16, count uint64, low, high []byte) ([][]byte, error) {
	ne := binary.NativeEndian
	keys := make([][]byte, count)
	for i := range count {
		element := page[pageHeader+i*elementLen:]
		where := element // of a branch: position, size
		if flags == leafPage {
			where = element[4:]
		}
		from, size := uint64(ne.Uint32(where)), uint64(ne.Uint32(where[4:]))
		if from+size > uint64(len(element)) {
			return nil, fmt.Errorf("a key lies beyond it")
		}
		key := element[from : from+size]
		unordered := i > 0 && bytes.Compare(key, keys[i-1]) <= 0 || low != nil && bytes.Compare(key, low) < 0
		if unordered || high != nil && bytes.Compare(key, high) >= 0 {
			return nil, fmt.Errorf("its keys are out of order")
		}
		keys[i] = key
	}
	return keys, nil
}

// child returns the page that an element leads to, if it does. element reaches to
// the end of its page.
func child(element []byte, flags uint16) (page uint64, found bool, err error) {
	ne := binary.NativeEndian
	if flags == branchPage {
		return ne.Uint64(element[8:]), true, nil
	}
	value := uint64(ne.Uint32(element[4:])) + uint64(ne.Uint32(element[8:]))
	if value+uint64(ne.Uint32(element[12:])) > uint64(len(element)) {
		return 0, false, fmt.Errorf("a value lies beyond it")
	}
	if ne.Uint32(element)&1 == 0 {
		return 0, false, nil
	}
	if value+16 > uint64(len(element)) {
		return 0, false, fmt.Errorf("a bucket lies beyond it")
	}
	page = ne.Uint64(element[value:])
	return page, page != 0, nil
}
