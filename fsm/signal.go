package fsm

import "sync"

// signal tells any number of waiters that something has happened. A waiter takes
// the channel first, looks second, waits third, and so misses nothing.
type signal struct {
	mu sync.Mutex
	ch chan struct{} // closed, and forgotten, by fire; nil: nobody waits
}

// next returns a channel that is closed at the next fire.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}
