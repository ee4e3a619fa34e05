package node

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/httpapi"
	"pipelinedht/transport"
)

func TestWhatAJoinerMakesOfTheAnswers(t *testing.T) {
	type event struct {
		result  result
		err     error
		contact string
		after   time.Duration
	}
	lost, notSent := errors.New("lost"), transport.ErrNotSent
	for _, tt := range []struct {
		name   string
		events []event
		known  bool
		want   error
		ask    ask // next, if nothing is known
	}{
		{name: "added", events: []event{{result: resultDone}}, known: true},
		{name: "added after silence", events: []event{{err: lost}, {result: resultDone}}, known: true},
		{name: "refused at once", events: []event{{result: resultRefused}}, known: true, want: httpapi.ErrConflict},
		{name: "refused before anything was sent", events: []event{{err: notSent}, {result: resultRefused}}, known: true, want: httpapi.ErrConflict},
		{name: "departing", events: []event{{result: resultDeparting}}, known: true, want: errMoving},
		{name: "one contact has moved", events: []event{{result: resultMoved}}, ask: askAdd},
		{name: "all contacts have moved", events: []event{{result: resultMoved}, {result: resultMoved, contact: "b"}}, known: true, want: errMoving},
		{name: "silence", events: []event{{err: lost}}, ask: askAdd},
		{name: "silence for long", events: []event{{err: lost, after: addPatience + 1}}, ask: askAbort},
		{name: "nobody reached for long", events: []event{{err: notSent, after: addPatience + 1}}, ask: askAdd},
		{name: "refused with an earlier question open", events: []event{{err: lost}, {result: resultRefused}}, ask: askAbort},
		{name: "aborted", events: []event{{err: lost}, {result: resultRefused}, {result: resultDone}}, known: true, want: httpapi.ErrConflict},
		{name: "too late to abort", events: []event{{err: lost}, {result: resultRefused}, {result: resultAdded}}, known: true},
		{name: "aborted by a former start", events: []event{{result: resultAborted}}, known: true, want: errTargetDrops},
		{name: "abort unknown", events: []event{{err: lost}, {result: resultDeparting}, {result: resultUnknown}}, ask: askAbort},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newAsker(joinIntent{ID: 7, Life: lifeRecord{Incarnation: 1}, Contacts: []string{"a", "b"}})
				var known bool
				var verdict error
				for _, e := range tt.events {
					if e.contact == "" {
						e.contact = "a"
					}
					k.question()
					known, verdict = k.take(e.contact, answer{Result: e.result}, e.err)
					time.Sleep(e.after)
				}
				switch {
				case known != tt.known, known && !errors.Is(verdict, tt.want):
					t.Errorf("verdict: got %v, %v, want %v, %v", known, verdict, tt.known, tt.want)
				case !known && k.question().Ask != tt.ask:
					t.Errorf("next question: got %s, want %s", k.question().Ask, tt.ask)
				}
			})
		})
	}
}
