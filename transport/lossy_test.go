package transport_test

import (
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
	"pipelinedht/transport"
)

var seed = flag.Uint64("seed", 0, "of random tests; 0: a new one")

func newRand(t *testing.T) *rand.Rand {
	t.Helper()
	s := *seed
	if s == 0 {
		s = rand.Uint64()
	}
	t.Logf("-seed=%d repeats the random choices", s)
	return rand.New(rand.NewPCG(s, s))
}

// startPiped starts a node on a pipeNet.
func startPiped(t testing.TB, n *pipeNet, b *book, id partition.NodeID, inc partition.Incarnation, h *handler) *node {
	t.Helper()
	l := n.listen(fmt.Sprintf("node%d:%d", id, inc))
	return serveNode(t, b, l, id, h, func(c *transport.Config) {
		c.Self.Incarnation = inc
		c.Dial = n.dial
		c.Secret = "s3cret"
	})
}

// ledger checks what arrives at one node: per sender and lane, numbers only ever
// rise, and no call is carried out that was not sent.
type ledger struct {
	t  *testing.T
	mu sync.Mutex
	// by sender and lane
	last     map[string]uint64
	messages int
	// calls that came; their to is left out
	carriedOut map[call]int
	replies    sync.WaitGroup // still to come
}

func (l *ledger) handler() *handler {
	return &handler{
		message: func(from partition.NodeID, inc partition.Incarnation, lane transport.Lane, body []byte) {
			n := binary.BigEndian.Uint64(body)
			key := fmt.Sprint(from, lane)
			l.mu.Lock()
			defer l.mu.Unlock()
			if n <= l.last[key] {
				l.t.Errorf("message %d from %v on %v after %d", n, from, lane, l.last[key])
			}
			l.last[key] = n
			l.messages++
		},
		call: func(from partition.NodeID, _ transport.Lane, body []byte, reply func([]byte)) {
			l.mu.Lock()
			l.carriedOut[call{from: from, number: binary.BigEndian.Uint64(body)}]++
			l.mu.Unlock()
			l.replies.Go(func() {
				time.Sleep(time.Duration(body[7]) * time.Millisecond) // of the simulated clock
				reply(body)
			})
		},
	}
}

// TestNodesOnALossyNetwork runs four nodes for a simulated minute, over
// connections that are closed or fall silent at random.
func TestNodesOnALossyNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := newRand(t)
		net, book := newPipeNet(), newBook()
		const nodes = 4
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var running sync.WaitGroup
		ledgers := make(map[partition.NodeID]*ledger)
		var started []*node
		for id := partition.NodeID(1); id <= nodes; id++ {
			ledgers[id] = &ledger{t: t, last: make(map[string]uint64), carriedOut: make(map[call]int)}
			t.Cleanup(ledgers[id].replies.Wait)
			started = append(started, startPiped(t, net, book, id, 1, ledgers[id].handler()))
		}
		outcomes := &outcomes{byCall: make(map[call]error)}
		for from := range nodes {
			for to := range nodes {
				if from == to {
					continue
				}
				running.Go(func() { sendNumbers(ctx, started[from], started[to].id.Node) })
				running.Go(func() { outcomes.callNumbers(ctx, started[from], started[to].id.Node) })
			}
		}
		for ctx.Err() == nil {
			time.Sleep(time.Duration(random.IntN(2000)) * time.Millisecond)
			hurt(net, random)
		}
		running.Wait()
		for i, n := range started {
			n.stop()
			if ledgers[n.id.Node].messages == 0 {
				t.Errorf("node %d got no message", i)
			}
		}
		outcomes.check(t, ledgers)
	})
}

// hurt closes one connection in ten, or has it swallow everything, and now and
// then lets nobody dial until the next time.
func hurt(net *pipeNet, random *rand.Rand) {
	net.refusing.Store(random.IntN(4) == 0)
	dice := random.IntN(3)
	seed := random.Uint64()
	net.each(func(c *pipeConn) {
		seed = seed*6364136223846793005 + 1442695040888963407
		switch {
		case seed>>33%10 != 0:
		case dice == 0:
			c.hole.Store(true)
		default:
			c.Close()
		}
	})
}

func sendNumbers(ctx context.Context, from *node, to partition.NodeID) {
	var n uint64
	for ctx.Err() == nil {
		for lane := transport.Control; lane <= transport.Bulk; lane++ {
			n++
			first := binary.BigEndian.AppendUint64(nil, n)
			n++
			from.Send(to, lane, first, binary.BigEndian.AppendUint64(nil, n))
		}
		time.Sleep(40 * time.Millisecond)
	}
}

// outcomes keeps how calls ended.
type outcomes struct {
	mu     sync.Mutex
	byCall map[call]error
}

// call names one by its ends and its number.
type call struct {
	from, to partition.NodeID
	number   uint64
}

func (o *outcomes) callNumbers(ctx context.Context, from *node, to partition.NodeID) {
	for n := uint64(1); ctx.Err() == nil; n++ {
		body := binary.BigEndian.AppendUint64(nil, n)
		callCtx, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		reply, err := from.Call(callCtx, to, transport.Small, body)
		cancel()
		if err == nil && string(reply) != string(body) {
			err = fmt.Errorf("answered %x", reply)
		}
		o.mu.Lock()
		o.byCall[call{from.id.Node, to, n}] = err
		o.mu.Unlock()
	}
}

func (o *outcomes) check(t *testing.T, ledgers map[partition.NodeID]*ledger) {
	t.Helper()
	var done, lost, notSent int
	for c, err := range o.byCall {
		times := ledgers[c.to].carriedOut[call{from: c.from, number: c.number}]
		wrong := times > 1
		switch {
		case err == nil:
			done++
			wrong = times != 1
		case errors.Is(err, transport.ErrNotSent):
			notSent++
			wrong = times != 0
		case errors.Is(err, transport.ErrLost):
			lost++
		default:
			wrong = true
		}
		if wrong {
			t.Errorf("call %+v was carried out %d times and ended with error %v", c, times, err)
		}
	}
	t.Logf("%d calls done, %d lost, %d not sent", done, lost, notSent)
	if done == 0 || lost == 0 || notSent == 0 {
		t.Error("the test tries too little")
	}
}
