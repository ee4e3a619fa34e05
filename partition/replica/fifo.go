package replica

// fifo is a queue that uses its memory again.
type fifo[T any] struct {
	items []T
	head  int // of the oldest in items
}

const (
	// fifoSpare is how many items may have left before the others move up.
	fifoSpare = 64
	// fifoKept is the room, in items, up to which an empty queue keeps it.
	fifoKept = 1024
)

func (q *fifo[T]) len() int { return len(q.items) - q.head }

// at returns the i-th oldest. It is valid until the next push or pop.
func (q *fifo[T]) at(i int) *T { return &q.items[q.head+i] }

// push adds an item. What it returns is valid until the next push or pop.
func (q *fifo[T]) push(item T) *T {
	q.items = append(q.items, item)
	return &q.items[len(q.items)-1]
}

// pop lets go of the oldest.
func (q *fifo[T]) pop() {
	var none T
	q.items[q.head] = none
	q.head++
	switch {
	case q.head == len(q.items) && cap(q.items) > fifoKept:
		*q = fifo[T]{}
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
	case q.head >= fifoSpare && q.head*2 >= len(q.items):
		n := copy(q.items, q.items[q.head:])
		clear(q.items[n:])
		q.items, q.head = q.items[:n], 0
	}
}
