package memory

import "math/bits"

// Slots have 16, 32, 48 ... 256 bytes, and from there on eight sizes between a power
// of two and the next: a record leaves at most 15 bytes, or an eighth, unused.
const (
	slotStep  = 16 // bytes between the smallest sizes
	evenSizes = 16 // sizes that are slotStep apart
	perDouble = 8  // sizes from one power of two to the next, after those
	doublings = 7

	classes   = evenSizes + doublings*perDouble
	evenBytes = evenSizes * slotStep
	mostBytes = evenBytes << doublings // what is larger has a chunk of its own
)

// sizes are the bytes of the slots, by class.
var sizes = func() (s [classes]uint32) {
	for i := range s {
		if i < evenSizes {
			s[i] = uint32((i + 1) * slotStep)
			continue
		}
		double, step := (i-evenSizes)/perDouble, (i-evenSizes)%perDouble
		s[i] = uint32(evenBytes << double / perDouble * (perDouble + 1 + step))
	}
	return s
}()

// classOf returns the class of the smallest slots that have n bytes; classes: none.
func classOf(n int) int {
	switch {
	case n <= evenBytes:
		return (n - 1) / slotStep
	case n > mostBytes:
		return classes
	}
	double := bits.Len(uint(n-1)) - bits.Len(evenBytes)
	step := (n - 1 - evenBytes<<double) / (evenBytes << double / perDouble)
	return evenSizes + double*perDouble + step
}

// largeSize returns the size of the chunk of a record of n bytes, more than mostBytes:
// whole pages, and of sizes few enough that another record has use for it.
func largeSize(n int) int {
	step := 1 << (bits.Len(uint(n-1)) - 1) / perDouble
	return (n + step - 1) / step * step
}
