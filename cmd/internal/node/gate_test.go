package node

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
)

func TestAShutGateHoldsRequestsUntilItOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, l := newGate("because"), new(life)
		entered := make(chan *passage, 1)
		go func() {
			in, _ := g.enter(t.Context())
			entered <- in
		}()
		synctest.Wait()
		if len(entered) > 0 || g.tryEnter() != nil {
			t.Fatal("a request passed the shut gate")
		}
		g.open(l)
		if in := <-entered; in.life != l {
			t.Errorf("life behind the gate: got %p, want %p", in.life, l)
		}
		if reason := g.standing(); reason != "" {
			t.Errorf("reason of an open gate: %q", reason)
		}
	})
}

func TestAShutGateTurnsAwayWhoCannotWaitLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := newGate("the reason").enter(ctx)
		errIs(t, err, partition.ErrUnavailable)
		if !strings.Contains(err.Error(), "the reason") {
			t.Errorf("error %q does not give the reason", err)
		}
	})
}

func TestABarredGateTurnsEverybodyAwayAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("starting")
		waiting := make(chan error, 1)
		go func() {
			_, err := g.enter(t.Context())
			waiting <- err
		}()
		synctest.Wait()
		g.bar("removed")
		errIs(t, <-waiting, partition.ErrUnavailable)
		_, err := g.enter(t.Context())
		errIs(t, err, partition.ErrUnavailable)
	})
}

func TestShuttingWaitsForThoseInside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate("starting")
		g.open(new(life))
		inside := []*passage{g.tryEnter(), g.tryEnter()}
		shut := make(chan struct{})
		go func() {
			g.shut(t.Context(), "changing")
			close(shut)
		}()
		for _, p := range inside {
			synctest.Wait()
			select {
			case <-shut:
				t.Fatal("shut with a request inside")
			default:
			}
			p.leave()
		}
		<-shut

		g.open(new(life))
		g.tryEnter()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g.shut(ctx, "changing") // not for ever
		if g.tryEnter() != nil {
			t.Error("a request passed after shut gave up on those inside")
		}
	})
}
