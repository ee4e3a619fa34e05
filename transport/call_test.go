package transport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"pipelinedht/partition"
	"pipelinedht/transport"
)

func TestManyCallsAtATimeGetEachTheirOwnReply(t *testing.T) {
	b := newBook()
	callee := startNode(t, b, 1, &handler{call: func(from partition.NodeID, lane transport.Lane, body []byte, reply func([]byte)) {
		answer := fmt.Appendf(nil, "%s from %v on %v", body, from, lane)
		if len(body)%2 == 0 {
			reply(answer)
			return
		}
		go reply(answer)
	}}, nil)
	caller := startNode(t, b, 2, &handler{}, nil)
	var wg sync.WaitGroup
	for i := range 64 {
		wg.Go(func() {
			for j := range 200 {
				lane := transport.Lane(j % 3)
				body := fmt.Sprint(i, " ", j)
				want := fmt.Sprintf("%s from %v on %v", body, caller.id.Node, lane)
				got, err := caller.Call(testContext(t), callee.id.Node, lane, []byte(body))
				if err != nil || string(got) != want {
					t.Errorf("call %q: reply %q, error %v", body, got, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestCallBodiesMayBeAsLargeAsTheLaneAllows(t *testing.T) {
	b := newBook()
	callee := startNode(t, b, 1, &handler{}, nil)
	caller := startNode(t, b, 2, &handler{}, nil)
	for lane := transport.Control; lane <= transport.Bulk; lane++ {
		body := bytes.Repeat([]byte{1, 2, 3, byte(lane)}, lane.MaxBody()/4)
		got, err := caller.Call(testContext(t), callee.id.Node, lane, body)
		if err != nil || !bytes.Equal(got, body) {
			t.Errorf("%v: a body of %d bytes came back with %d, error %v", lane, len(body), len(got), err)
		}
		_, err = caller.Call(testContext(t), callee.id.Node, lane, append(body, 0))
		if !errors.Is(err, transport.ErrTooLarge) || !errors.Is(err, transport.ErrNotSent) {
			t.Errorf("%v: a body of one byte more: error %v, want ErrTooLarge and ErrNotSent", lane, err)
		}
	}
}

func TestAReplyLargerThanTheLaneSaysSo(t *testing.T) {
	b := newBook()
	callee := startNode(t, b, 1, &handler{call: echo(make([]byte, transport.Small.MaxBody()+1))}, nil)
	caller := startNode(t, b, 2, &handler{}, nil)
	_, err := caller.Call(testContext(t), callee.id.Node, transport.Small, nil)
	if !errors.Is(err, transport.ErrTooLarge) || errors.Is(err, transport.ErrNotSent) {
		t.Errorf("error %v, want ErrTooLarge without ErrNotSent", err)
	}
	got, err := caller.Call(testContext(t), callee.id.Node, transport.Bulk, nil)
	if err != nil || len(got) != transport.Small.MaxBody()+1 {
		t.Errorf("on bulk: %d bytes, error %v", len(got), err)
	}
}

func TestASecondReplyIsIgnored(t *testing.T) {
	b := newBook()
	callee := startNode(t, b, 1, &handler{call: func(_ partition.NodeID, _ transport.Lane, body []byte, reply func([]byte)) {
		reply(body)
		reply([]byte("again"))
	}}, nil)
	caller := startNode(t, b, 2, &handler{}, nil)
	for i := range 100 {
		got, err := caller.Call(testContext(t), callee.id.Node, transport.Small, numbered(i))
		if err != nil || !bytes.Equal(got, numbered(i)) {
			t.Fatalf("call %d: reply %q, error %v", i, got, err)
		}
	}
}

// TestACallersContextEndsItsCall and leaves the connection as it is.
func TestACallersContextEndsItsCall(t *testing.T) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	b := newBook()
	callee := startNode(t, b, 1, &handler{call: func(_ partition.NodeID, _ transport.Lane, body []byte, reply func([]byte)) {
		if string(body) != "wait" {
			reply(body)
			return
		}
		close(arrived)
		go func() {
			<-goOn
			reply(body)
		}()
	}}, nil)
	caller := startNode(t, b, 2, &handler{lost: func(partition.NodeID) { t.Error("the connection was lost") }}, nil)
	gone := errors.New("the client has gone")
	ctx, cancel := context.WithCancelCause(testContext(t))
	go func() {
		<-arrived
		cancel(gone)
	}()
	_, err := caller.Call(ctx, callee.id.Node, transport.Small, []byte("wait"))
	if !errors.Is(err, transport.ErrLost) || !errors.Is(err, gone) {
		t.Errorf("error %v, want ErrLost and the context's cause", err)
	}
	close(goOn)
	for i := range 10 {
		got, err := caller.Call(testContext(t), callee.id.Node, transport.Small, numbered(i))
		if err != nil || !bytes.Equal(got, numbered(i)) {
			t.Fatalf("call %d afterwards: reply %q, error %v", i, got, err)
		}
	}
}

func TestCallsUnderWayAreLostWithTheirConnection(t *testing.T) {
	var arrived sync.WaitGroup
	arrived.Add(10)
	b := newBook()
	callee := startNode(t, b, 1, &handler{call: func(partition.NodeID, transport.Lane, []byte, func([]byte)) { arrived.Done() }}, nil)
	caller := startNode(t, b, 2, &handler{}, nil)
	var calls sync.WaitGroup
	for range 10 {
		calls.Go(func() {
			_, err := caller.Call(testContext(t), callee.id.Node, transport.Small, []byte("x"))
			if !errors.Is(err, transport.ErrLost) || errors.Is(err, transport.ErrNotSent) {
				t.Errorf("error %v, want ErrLost", err)
			}
		})
	}
	arrived.Wait()
	callee.stop()
	calls.Wait()
	_, err := caller.Call(testContext(t), callee.id.Node, transport.Small, []byte("x"))
	if !errors.Is(err, transport.ErrNotSent) {
		t.Errorf("call to a stopped node: error %v, want ErrNotSent", err)
	}
}

// TestCallWaitsForRoom has more bytes of calls under way than fit the buffer.
func TestCallWaitsForRoom(t *testing.T) {
	b := newBook()
	callee := startNode(t, b, 1, &handler{}, nil)
	caller := startNode(t, b, 2, &handler{}, nil)
	var calls sync.WaitGroup
	for i := range 40 {
		calls.Go(func() {
			body := bytes.Repeat([]byte{byte(i)}, transport.Small.MaxBody())
			got, err := caller.Call(testContext(t), callee.id.Node, transport.Small, body)
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("call %d: %d bytes, error %v", i, len(got), err)
			}
		})
	}
	calls.Wait()
}

// TestTooManyRequestsUnderWay holds replies back until the callee takes no more.
func TestTooManyRequestsUnderWay(t *testing.T) {
	const fit, calls = 7, 20
	held := make(chan func([]byte), calls)
	b := newBook()
	callee := startNode(t, b, 1, &handler{call: func(_ partition.NodeID, _ transport.Lane, _ []byte, reply func([]byte)) { held <- reply }},
		func(c *transport.Config) { c.RequestBytes = fit * 11 << 10 })
	caller := startNode(t, b, 2, &handler{}, nil)
	results := make(chan error, calls)
	for range calls {
		go func() {
			_, err := caller.Call(testContext(t), callee.id.Node, transport.Small, make([]byte, 10<<10))
			results <- err
		}()
	}
	for range calls - fit {
		if err := <-results; !errors.Is(err, transport.ErrNotSent) {
			t.Errorf("a call beyond the limit: error %v, want ErrNotSent", err)
		}
	}
	for range fit {
		(<-held)(nil)
	}
	for range fit {
		if err := <-results; err != nil {
			t.Errorf("a call within the limit: %v", err)
		}
	}
	go func() { (<-held)(nil) }()
	if _, err := caller.Call(testContext(t), callee.id.Node, transport.Small, make([]byte, 10<<10)); err != nil {
		t.Errorf("a call after the others were replied to: %v", err)
	}
}
