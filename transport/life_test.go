package transport_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
	"pipelinedht/transport"
)

func TestIdleConnectionsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		var lost atomic.Int32
		h := &handler{lost: func(partition.NodeID) { lost.Add(1) }}
		one := startPiped(t, network, b, 1, 1, h)
		two := startPiped(t, network, b, 2, 1, h)
		if _, err := two.Call(t.Context(), one.id.Node, transport.Small, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		if !two.Send(one.id.Node, transport.Small, []byte("x")) || lost.Load() > 0 {
			t.Errorf("%d connections were lost", lost.Load())
		}
	})
}

func TestSilentConnectionsAreClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		began := time.Time{}
		lost := make(chan time.Duration, 2)
		h := &handler{lost: func(peer partition.NodeID) { lost <- time.Since(began) }}
		one := startPiped(t, network, b, 1, 1, h)
		two := startPiped(t, network, b, 2, 1, h)
		if _, err := two.Call(t.Context(), one.id.Node, transport.Small, nil); err != nil {
			t.Fatal(err)
		}
		began = time.Now()
		network.each(func(c *pipeConn) { c.hole.Store(true) })
		_, err := two.Call(t.Context(), one.id.Node, transport.Small, nil)
		if !errors.Is(err, transport.ErrLost) {
			t.Errorf("call into the silence: error %v, want ErrLost", err)
		}
		for range 2 {
			if after := <-lost; after < 2*time.Second || after > 4*time.Second {
				t.Errorf("closed after %v, want about 3 s", after)
			}
		}
		if _, err := two.Call(t.Context(), one.id.Node, transport.Small, nil); err != nil {
			t.Errorf("call on the next connection: %v", err)
		}
	})
}

// TestAnEndThatReadsNothingIsCutOff has a handler that hangs: what is sent to it
// fills the pipe and the buffer.
func TestAnEndThatReadsNothingIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		goOn := make(chan struct{})
		lost := make(chan struct{}, 9)
		one := startPiped(t, network, b, 1, 1, &handler{
			message: func(partition.NodeID, partition.Incarnation, transport.Lane, []byte) { <-goOn }})
		two := startPiped(t, network, b, 2, 1, &handler{lost: func(partition.NodeID) { lost <- struct{}{} }})
		if _, err := two.Call(t.Context(), one.id.Node, transport.Small, nil); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		taken := 0
		for taken < 40 && two.Send(one.id.Node, transport.Small, make([]byte, 1<<20)) {
			taken++
		}
		if taken == 40 {
			t.Error("40 MiB were taken for an end that reads nothing")
		}
		<-lost
		if took := time.Since(began); took < 29*time.Second || took > 32*time.Second {
			t.Errorf("cut off after %v, want about 30 s", took)
		}
		close(goOn)
	})
}

func TestARestartedPeerIsFoundAtItsNewAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		h, ch := collect(100)
		var lost atomic.Int32
		one := startPiped(t, network, b, 1, 1, &handler{lost: func(partition.NodeID) { lost.Add(1) }})
		two := startPiped(t, network, b, 2, 1, h)
		sendUntilTaken(t, one, 2, transport.Small, []byte("first life"))
		if got := next(t, ch); got.inc != 1 || string(got.body) != "first life" {
			t.Fatalf("got %+v", got)
		}
		old := two.id
		two.stop()
		two = startPiped(t, network, newBook(), 2, 2, h)
		two.addresses.set(one.id)
		synctest.Wait()
		if _, err := one.Call(t.Context(), 2, transport.Small, nil); !errors.Is(err, transport.ErrNotSent) {
			t.Errorf("call to the old address: error %v, want ErrNotSent", err)
		}
		if _, err := two.Call(t.Context(), 1, transport.Small, nil); err != nil {
			t.Fatal(err)
		}
		if address, inc, ok := one.Heard(2); address != two.id.Address || inc != 2 || !ok {
			t.Errorf("heard %q in incarnation %d, want %q in 2 rather than the map's %q", address, inc, two.id.Address, old.Address)
		}
		if _, err := one.Call(t.Context(), 2, transport.Small, nil); err != nil {
			t.Errorf("call to the new address: %v", err)
		}
		if lost.Load() == 0 {
			t.Error("the connection to the first life was not reported lost")
		}
	})
}

func TestTheMapsAddressIsTakenIfItsIncarnationIsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		one := startPiped(t, network, b, 1, 1, &handler{})
		two := startPiped(t, network, b, 2, 1, &handler{})
		if _, err := two.Call(t.Context(), 1, transport.Small, nil); err != nil {
			t.Fatal(err)
		}
		two.stop()
		startPiped(t, network, b, 2, 2, &handler{})
		if address, inc, _ := one.Heard(2); inc != 1 {
			t.Fatalf("heard %q in incarnation %d before it said anything", address, inc)
		}
		if _, err := one.Call(t.Context(), 2, transport.Small, nil); err != nil {
			t.Errorf("call to the address in the map: %v", err)
		}
	})
}

func TestAnEarlierIncarnationIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		startPiped(t, network, b, 1, 1, &handler{})
		var lost atomic.Int32
		earlier := startPiped(t, network, b, 2, 4, &handler{lost: func(partition.NodeID) { lost.Add(1) }})
		if _, err := earlier.Call(t.Context(), 1, transport.Small, nil); err != nil {
			t.Fatal(err)
		}
		later := startPiped(t, network, b, 2, 5, &handler{})
		if _, err := later.Call(t.Context(), 1, transport.Bulk, nil); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if lost.Load() != 1 {
			t.Errorf("the earlier life lost %d connections, want the one it had", lost.Load())
		}
		var refusal *transport.Refusal
		if _, err := earlier.Call(t.Context(), 1, transport.Small, nil); !errors.As(err, &refusal) || refusal.Status != 409 {
			t.Errorf("call of the earlier life: error %v, want a refusal with 409", err)
		}
		if _, err := later.Call(t.Context(), 1, transport.Small, nil); err != nil {
			t.Errorf("call of the later life: %v", err)
		}
	})
}

func TestARefusedDialIsReportedAndRepeatedOnDemand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		b.set(transport.Identity{Node: 1, Incarnation: 1, Address: "node1:1"})
		var refused atomic.Int32
		two := startPiped(t, network, b, 2, 1, &handler{refused: func(peer partition.NodeID) {
			if peer != 1 {
				t.Errorf("refused by %v, want 1", peer)
			}
			refused.Add(1)
		}})
		began := time.Now()
		for time.Since(began) < 10*time.Second {
			if failed := refused.Load() > 0; two.Send(1, transport.Control, []byte("x")) && failed {
				t.Fatal("a message was taken for a peer that could not be reached")
			}
			time.Sleep(10 * time.Millisecond)
		}
		// 50, 100, 200, 400 and 800 ms, then once a second.
		before := refused.Load()
		if before < 10 || before > 16 {
			t.Errorf("%d dials in 10 s", before)
		}
		time.Sleep(time.Minute)
		if more := refused.Load() - before; more > 1 {
			t.Errorf("%d dials while nobody wanted one", more)
		}
		_, err := two.Call(t.Context(), 1, transport.Control, nil)
		if !errors.Is(err, transport.ErrNotSent) {
			t.Errorf("call: error %v, want ErrNotSent", err)
		}
		startPiped(t, network, b, 1, 1, &handler{})
		began = time.Now()
		if _, err := two.Call(t.Context(), 1, transport.Control, nil); err != nil || time.Since(began) > time.Second {
			t.Errorf("call to the peer now there: error %v after %v", err, time.Since(began))
		}
	})
}

func TestTheFirstMessagesToANewPeerArriveInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		var got []byte
		startPiped(t, network, b, 1, 1, &handler{message: func(_ partition.NodeID, _ partition.Incarnation, _ transport.Lane, body []byte) {
			got = append(got, body...)
		}})
		two := startPiped(t, network, b, 2, 1, &handler{})
		for _, body := range []string{"a", "b", "c"} {
			if !two.Send(1, transport.Small, []byte(body)) {
				t.Fatalf("message %q was not taken", body)
			}
		}
		time.Sleep(time.Second)
		two.Send(1, transport.Small, []byte("d"))
		synctest.Wait()
		if string(got) != "abcd" {
			t.Errorf("arrived: %q, want %q", got, "abcd")
		}
	})
}

func TestCloseEndsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine is left
		network, b := newPipeNet(), newBook()
		waiting := make(chan struct{}, 1)
		one := startPiped(t, network, b, 1, 1, &handler{
			call:  func(partition.NodeID, transport.Lane, []byte, func([]byte)) { waiting <- struct{}{} },
			visit: func(ctx context.Context, _ transport.Identity, _ []byte) []byte { <-ctx.Done(); return nil },
		})
		two := startPiped(t, network, b, 2, 1, &handler{})
		b.set(transport.Identity{Node: 3, Incarnation: 1, Address: "nowhere:1"})
		results := make(chan error, 3)
		go func() {
			_, err := two.Call(t.Context(), 1, transport.Small, nil)
			results <- err
		}()
		<-waiting
		go func() {
			_, _, err := two.Visit(t.Context(), one.id.Address, nil)
			results <- err
		}()
		two.Send(1, transport.Bulk, nil)
		two.Send(3, transport.Bulk, nil)
		synctest.Wait()
		two.Close()
		for range 2 {
			if err := <-results; !errors.Is(err, transport.ErrClosed) || !errors.Is(err, transport.ErrLost) {
				t.Errorf("a call under way ended with %v, want ErrLost and ErrClosed", err)
			}
		}
		if two.Send(1, transport.Small, nil) {
			t.Error("a closed transport took a message")
		}
		if _, err := two.Call(t.Context(), 1, transport.Small, nil); !errors.Is(err, transport.ErrClosed) || !errors.Is(err, transport.ErrNotSent) {
			t.Errorf("call afterwards: error %v, want ErrNotSent and ErrClosed", err)
		}
		if _, err := one.Call(t.Context(), 2, transport.Small, nil); !errors.Is(err, transport.ErrNotSent) {
			t.Errorf("call to the closed one: error %v, want ErrNotSent", err)
		}
		if err := two.Close(); err != nil {
			t.Errorf("second Close: %v", err)
		}
	})
}

func TestVisits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		visitEcho := func(_ context.Context, from transport.Identity, body []byte) []byte {
			return fmt.Appendf(nil, "%s from %v of %v", body, from.Node, from.Cluster)
		}
		one := startPiped(t, network, b, 1, 1, &handler{visit: visitEcho})
		l := network.listen("other:1")
		config := func(secret string) func(*transport.Config) {
			return func(c *transport.Config) {
				c.Self.Cluster, c.Dial, c.Secret = testCluster+1, network.dial, secret
			}
		}
		stranger := serveNode(t, newBook(), l, 5, &handler{visit: visitEcho}, config("s3cret"))
		for _, visitor := range []*node{stranger, one} {
			id, reply, err := visitor.Visit(t.Context(), one.id.Address, []byte("hello"))
			want := fmt.Sprintf("hello from %v of %v", visitor.id.Node, visitor.id.Cluster)
			if err != nil || string(reply) != want || id != one.id {
				t.Errorf("visit by %v: %q from %+v, error %v; want %q", visitor.id.Node, reply, id, err, want)
			}
		}
		if _, _, err := one.Visit(t.Context(), "nowhere:1", nil); !errors.Is(err, transport.ErrNotSent) {
			t.Errorf("visit to nobody: error %v, want ErrNotSent", err)
		}
		large := make([]byte, transport.Control.MaxBody()+1)
		if _, _, err := one.Visit(t.Context(), "other:1", large); !errors.Is(err, transport.ErrTooLarge) {
			t.Errorf("visit with too much: error %v, want ErrTooLarge", err)
		}
		thief := serveNode(t, newBook(), network.listen("thief:1"), 6, &handler{}, config("guess"))
		var refusal *transport.Refusal
		if _, _, err := thief.Visit(t.Context(), one.id.Address, nil); !errors.As(err, &refusal) || refusal.Status != 401 {
			t.Errorf("visit with a wrong secret: error %v, want a refusal with 401", err)
		}
	})
}

func TestAVisitorThatGivesUpIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		ended := make(chan struct{})
		one := startPiped(t, network, b, 1, 1, &handler{visit: func(ctx context.Context, _ transport.Identity, _ []byte) []byte {
			<-ctx.Done()
			close(ended)
			return nil
		}})
		two := startPiped(t, network, b, 2, 1, &handler{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		if _, _, err := two.Visit(ctx, one.id.Address, nil); !errors.Is(err, transport.ErrLost) {
			t.Errorf("error %v, want ErrLost", err)
		}
		<-ended
		if took := time.Since(began); took < time.Minute || took > time.Minute+time.Second {
			t.Errorf("it ended after %v, want a minute", took)
		}
	})
}
