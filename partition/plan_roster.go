package partition

import (
	"math/bits"
	"slices"
)

// node is the dense number, from 0, of a node that copies are planned for: its
// place in the ascending order of their NodeIDs.
type node int32

// nobody is no node: in a place of an assignment, a hole.
const nobody node = -1

// roster is the nodes that copies are planned for.
type roster struct {
	ids   []NodeID // ascending; indexed by node
	slots []node   // hash table of 1<<(64-shift) slots, linear probing, at most half full
	shift int
}

func newRoster(peers []Peer) *roster {
	r := &roster{}
	for _, p := range peers {
		if p.State == Active || p.State == Down {
			r.ids = append(r.ids, p.ID)
		}
	}
	if len(r.ids) == 0 {
		for _, p := range peers {
			if p.State == Replaced {
				r.ids = append(r.ids, p.ID)
			}
		}
	}
	slices.Sort(r.ids)
	r.ids = slices.Compact(r.ids)

	width := bits.Len(uint(2*len(r.ids) + 1))
	r.shift = 64 - width
	r.slots = make([]node, 1<<width)
	for i := range r.slots {
		r.slots[i] = nobody
	}
	for n, id := range r.ids {
		i := r.slot(id)
		for r.slots[i] != nobody {
			i = (i + 1) & (len(r.slots) - 1)
		}
		r.slots[i] = node(n)
	}
	return r
}

// find returns the number of a node, nobody if it is not in the roster.
func (r *roster) find(id NodeID) node {
	for i := r.slot(id); ; i = (i + 1) & (len(r.slots) - 1) {
		if n := r.slots[i]; n == nobody || r.ids[n] == id {
			return n
		}
	}
}

func (r *roster) slot(id NodeID) int { return int(uint64(id) * golden >> r.shift) }

// seed returns where the dice of a plan for these nodes start.
func (r *roster) seed() dice {
	var d dice
	for _, id := range r.ids {
		d = dice(d.roll() ^ uint64(id))
	}
	return d
}

// golden is 2^64 divided by the golden ratio, odd.
const golden = 0x9e3779b97f4a7c15

// dice is a source of numbers that look random: splitmix64 (Steele, Lea, Flood:
// Fast splittable pseudorandom number generators, 2014). It is written out here
// because a plan must not depend on the release of a library.
type dice uint64

func (d *dice) roll() uint64 {
	*d += golden
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below returns a number from 0 to n-1; n is at least 1 and below 1<<32.
func (d *dice) below(n int) int { return int(d.roll() >> 32 * uint64(n) >> 32) }
