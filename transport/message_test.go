package transport_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"pipelinedht/partition"
	"pipelinedht/transport"
)

type received struct {
	from partition.NodeID
	inc  partition.Incarnation
	lane transport.Lane
	body []byte
}

// collect returns a handler that passes messages to a channel.
func collect(size int) (*handler, <-chan received) {
	ch := make(chan received, size)
	return &handler{message: func(from partition.NodeID, inc partition.Incarnation, lane transport.Lane, body []byte) {
		ch <- received{from, inc, lane, body}
	}}, ch
}

func next(t testing.TB, ch <-chan received) received {
	t.Helper()
	select {
	case r := <-ch:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("no message came")
		return received{}
	}
}

func TestMessagesArriveInOrderOnEachLane(t *testing.T) {
	const perLane = 5000
	h, ch := collect(3 * perLane)
	b := newBook()
	receiver := startNode(t, b, 1, h, nil)
	sender := startNode(t, b, 2, &handler{}, nil)
	for lane := transport.Control; lane <= transport.Bulk; lane++ {
		sendUntilTaken(t, sender, receiver.id.Node, lane, numbered(0))
	}
	for i := 1; i < perLane; i += 2 {
		for lane := transport.Control; lane <= transport.Bulk; lane++ {
			sendUntilTaken(t, sender, receiver.id.Node, lane, numbered(i), numbered(i+1))
		}
	}
	var want [3]int
	for range 3 * perLane {
		r := next(t, ch)
		if r.from != sender.id.Node || r.inc != sender.id.Incarnation {
			t.Fatalf("message from %v in incarnation %d, want %v in %d", r.from, r.inc, sender.id.Node, sender.id.Incarnation)
		}
		if !bytes.Equal(r.body, numbered(want[r.lane])) {
			t.Fatalf("on %v: %q after %d others", r.lane, r.body, want[r.lane])
		}
		want[r.lane]++
	}
}

func TestMessagesOfAllSizesArriveWhole(t *testing.T) {
	h, ch := collect(1)
	b := newBook()
	receiver := startNode(t, b, 1, h, nil)
	sender := startNode(t, b, 2, &handler{}, nil)
	for _, size := range []int{0, 1, 60 << 10, 64 << 10, 1 << 20, transport.Bulk.MaxBody()} {
		body := bytes.Repeat([]byte("0123456789abcde\n"), size/16+1)[:size]
		sendUntilTaken(t, sender, receiver.id.Node, transport.Bulk, body)
		if got := next(t, ch); !bytes.Equal(got.body, body) {
			t.Errorf("a body of %d bytes came with %d, or changed", size, len(got.body))
		}
	}
}

func TestSendRefusesWhatTheLaneDoesNotAllow(t *testing.T) {
	h, ch := collect(10)
	b := newBook()
	receiver := startNode(t, b, 1, h, nil)
	sender := startNode(t, b, 2, &handler{}, nil)
	sendUntilTaken(t, sender, receiver.id.Node, transport.Small, []byte("before"))
	if sender.Send(receiver.id.Node, transport.Small, []byte("with it"), make([]byte, transport.Small.MaxBody()+1)) {
		t.Error("a body above MaxBody was taken")
	}
	sendUntilTaken(t, sender, receiver.id.Node, transport.Small, []byte("after"))
	if first, second := next(t, ch), next(t, ch); string(first.body) != "before" || string(second.body) != "after" {
		t.Errorf("%q and %q came, want before and after", first.body, second.body)
	}
}

func TestSendWithoutAddressIsNotTaken(t *testing.T) {
	sender := startNode(t, newBook(), 2, &handler{}, nil)
	if sender.Send(99, transport.Small, []byte("x")) {
		t.Error("a message to an unknown node was taken")
	}
}

// TestAReceiverThatIsBusyBlocksNoSender fills the connection to a receiver whose
// handler waits: Send must say so at once, and later everything it took arrives.
func TestAReceiverThatIsBusyBlocksNoSender(t *testing.T) {
	for _, size := range []int{8 << 10, 256 << 10} {
		t.Run(fmt.Sprint(size, " bytes"), func(t *testing.T) { fillBusyReceiver(t, size) })
	}
}

func fillBusyReceiver(t *testing.T, size int) {
	goOn := make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	defer release()
	ch := make(chan received, 10_000)
	h := &handler{message: func(from partition.NodeID, inc partition.Incarnation, lane transport.Lane, body []byte) {
		<-goOn
		ch <- received{from, inc, lane, body[:8]}
	}}
	b := newBook()
	receiver := startNode(t, b, 1, h, nil)
	sender := startNode(t, b, 2, &handler{}, nil)
	body := make([]byte, size)
	taken := 0
	send := func() bool {
		body := bytes.Clone(body) // a large one is kept
		copy(body, numbered(taken))
		ok := sender.Send(receiver.id.Node, transport.Small, body)
		if ok {
			taken++
		}
		return ok
	}
	copy(body, numbered(0))
	sendUntilTaken(t, sender, receiver.id.Node, transport.Small, body)
	taken++
	began := time.Now()
	for send() {
		if taken*size > 256<<20 {
			t.Fatalf("%d bytes were taken for a receiver that reads nothing", taken*size)
		}
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("filling the buffer took %v", took)
	}
	release()
	for i := range taken {
		if got := next(t, ch); !bytes.Equal(got.body, numbered(i)) {
			t.Fatalf("%q came after %d others", got.body, i)
		}
	}
	sendUntilTaken(t, sender, receiver.id.Node, transport.Small, numbered(taken))
	if got := next(t, ch); !bytes.Equal(got.body, numbered(taken)) {
		t.Errorf("%q came at last, want %d", got.body, taken)
	}
}
