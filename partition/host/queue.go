package host

import "sync"

// queue is a first-in first-out queue without a bound of its own: what goes in is
// bounded by the core's limits. Push never waits, so it may be called under
// Host.mu.
type queue[T any] struct {
	mu     sync.Mutex
	filled sync.Cond // signalled by push and close
	items  []T
	closed bool
}

func newQueue[T any]() *queue[T] {
	q := &queue[T]{}
	q.filled.L = &q.mu
	return q
}

// push adds items at the end; nothing happens after close.
func (q *queue[T]) push(items ...T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	q.items = append(q.items, items...)
	for range items {
		q.filled.Signal()
	}
}

// pop waits for an item and takes the first; false once the queue is closed.
func (q *queue[T]) pop() (item T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.filled.Wait()
	}
	if q.closed {
		return item, false
	}
	item = q.items[0]
	var zero T
	q.items[0] = zero
	if q.items = q.items[1:]; len(q.items) == 0 {
		q.items = nil
	}
	return item, true
}

// take waits for items and takes all of them, in their order; false once the queue
// is closed.
func (q *queue[T]) take() (items []T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.filled.Wait()
	}
	items, q.items = q.items, nil
	return items, !q.closed
}

// close forgets what is queued and ends every pop.
func (q *queue[T]) close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed, q.items = true, nil
	q.filled.Broadcast()
}
