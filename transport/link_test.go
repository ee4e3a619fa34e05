package transport

import "testing"

// A sender may find no connection, and ask for one only when the dial under way has
// brought it: another dial would replace it, and lose what was sent on it meanwhile.
func TestNothingIsDialledBesideAConnection(t *testing.T) {
	l, c := link{t: &Transport{}}, new(conn)
	l.conn.Store(c)
	if got, a := l.demand(); got != c || a != nil {
		t.Errorf("connection %p and attempt %p, want %p and none", got, a, c)
	}
	if l.attempt != nil {
		t.Error("another dial has begun")
	}
}
