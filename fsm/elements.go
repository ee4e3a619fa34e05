package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
)

var (
	errHeader = errors.New("its header is wrong")
	errLayout = errors.New("its elements do not lie end to end")
	errOrder  = errors.New("its keys are out of order")
	errKey    = errors.New("it has a key that is nobody's")
)

// element is one of a page's: a key and, in a leaf, its value, or the page with the
// keys from there on.
type element struct {
	key    []byte
	value  []byte
	bucket bool // value is a bucket's
	branch bool
	below  uint64 // a page, of a branch
}

const elementLen = 16

// elementsOf returns the elements of a branch page or a leaf, and where they end.
// Behind the header each has
//
//	branch  position 4 | key size 4 | page 8
//	leaf    flags 4 (1: bucket) | position 4 | key size 4 | value size 4
//
// where the position, of the key, counts from there. Keys ascend; behind the table
// they lie end to end, each before its value. So a flipped bit of count or table
// shows here, but for the last size and pages, which the caller finds out.
func elementsOf(page []byte) (elements []element, end uint64, err error) {
	ne := binary.NativeEndian
	flags, count := ne.Uint16(page[8:]), uint64(ne.Uint16(page[10:]))
	end = pageHeader + count*elementLen
	if flags != branchPage && flags != leafPage || end > uint64(len(page)) {
		return nil, 0, errHeader
	}
	elements = make([]element, count)
	for i := range count {
		e, at := &elements[i], pageHeader+i*elementLen
		entry, sizes := page[at:][:elementLen], page[at:]
		e.branch = flags == branchPage
		value := uint64(0)
		if e.branch {
			e.below = ne.Uint64(entry[8:])
		} else {
			if ne.Uint32(entry) > 1 {
				return nil, 0, errLayout
			}
			e.bucket = ne.Uint32(entry) == 1
			sizes, value = entry[4:], uint64(ne.Uint32(entry[12:]))
		}
		key := uint64(ne.Uint32(sizes[4:]))
		if at+uint64(ne.Uint32(sizes)) != end || end+key+value > uint64(len(page)) {
			return nil, 0, errLayout
		}
		e.key, e.value = page[end:][:key], page[end+key:][:value]
		if i > 0 && bytes.Compare(e.key, elements[i-1].key) <= 0 {
			return nil, 0, errOrder
		}
		end += key + value
	}
	return elements, end, nil
}

// bucket says what a bucket of raft-boltdb's holds. A key with a flipped bit would
// be taken for one that was never written.
type bucket struct {
	holds   func(key []byte) bool
	buckets map[string]*bucket // instead
}

var top = bucket{buckets: map[string]*bucket{
	"conf": {holds: func(key []byte) bool {
		return slices.ContainsFunc([][]byte{keyTerm, keyVoteTerm, keyVotedFor, keyIdentity, keyStart},
			func(known []byte) bool { return bytes.Equal(key, known) })
	}},
	"logs": {holds: func(key []byte) bool { return len(key) == 8 }},
}}

// leaf checks an element of a leaf with that id, and what is below it if that is a
// bucket, whose value is
//
//	root page 8 | sequence 8, and if there is no such page: all of it as one page
func (p *pages) leaf(id uint64, e element, in *bucket) (at uint64, err error) {
	if !e.bucket {
		if in.holds == nil || !in.holds(e.key) {
			return id, errKey
		}
		return id, nil
	}
	held := in.buckets[string(e.key)]
	if held == nil || len(e.value) < 16 {
		return id, errKey
	}
	if root := binary.NativeEndian.Uint64(e.value); root != 0 {
		return p.walk(root, held, nil, nil)
	}
	page := e.value[16:]
	if len(page) < pageHeader {
		return id, errHeader
	}
	elements, end, err := elementsOf(page)
	if err == nil && end != uint64(len(page)) {
		err = errLayout
	}
	for _, inner := range elements {
		if err == nil {
			_, err = p.leaf(id, inner, held)
		}
	}
	return id, err
}
