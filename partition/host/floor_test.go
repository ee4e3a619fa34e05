package host

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

func TestAFloorCountsOnlySinceItsPartitionBeganAnew(t *testing.T) {
	m := &partition.Map{Table: make([]partition.Row, 2)}
	old := &view{m: m, floors: floorsFor(&view{}, m)}
	run := run{floor: old.floors[0], op: &partition.Op{}, h: &Host{}, unsure: true}
	old.floors[0].learn(300)
	old.floors[0].learn(200)
	old.floors[1].learn(400)
	run.name()
	if run.op.Floor != 300 {
		t.Fatalf("floor of an operation: %d, want 300", run.op.Floor)
	}
	m = &partition.Map{Table: []partition.Row{{Born: 7}, {}}}
	next := &view{m: m, floors: floorsFor(old, m)}
	old.floors[0].learn(500)                                                                          // a straggling answer
	for version, seqs := range map[partition.Version][2]partition.Seq{6: {600, 410}, 5: {700, 420}} { // before the birth
		next.heard(1, &replica.Commits{Version: version, Partitions: []replica.Committed{{Seq: seqs[0]}, {Partition: 1, Seq: seqs[1]}, {Partition: 9, Seq: 1}}})
	}
	run.follow(next.floors[0])
	if run.op.Floor != 0 || next.floors[0].at() != 0 || next.floors[1].at() != 420 {
		t.Fatalf("the operation's floor %d, the partition's %d, the other's %d; want 0, 0, 420",
			run.op.Floor, next.floors[0].at(), next.floors[1].at())
	}
	next.heard(1, &replica.Commits{Version: 7, Partitions: []replica.Committed{{Seq: 3}}})
	if got := next.floors[0].at(); got != 3 {
		t.Errorf("said by one that knows of the birth: %d, want 3", got)
	}
}

// put writes a key by way of a script.
func put(t *testing.T, h *Host) error {
	t.Helper()
	_, _, err := h.Write(t.Context(), partition.Op{Kind: partition.OpPut, Key: []byte("k")})
	return err
}

func TestANodeAsksForAFloorBeforeItSendsAWrite(t *testing.T) {
	others := reply{body: replica.AppendMessage([]byte{replyDone}, &replica.Commits{Version: 1})}
	beacon := reply{body: replica.AppendMessage([]byte{replyDone}, &replica.Beacon{Version: 1})}
	for _, c := range []struct {
		name string
		asks []reply
		want error
	}{
		{"answered at once", []reply{commits(300)}, nil},
		{"the question lost", []reply{lost, notSent, commits(300)}, nil},
		{"refused for the moment", []reply{unavailable, notPrimary, commits(300)}, nil},
		{"the partition not served yet", []reply{others, commits(300)}, nil},
		{"answers that make no sense", []reply{{}, garbage, {body: []byte{replyDone}}, beacon, commits(300)}, nil},
		{"lost to the end", []reply{lost}, partition.ErrUnavailable},
		{"no answer to the end", []reply{hang}, partition.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := &script{replies: []reply{done}, asks: c.asks}
				h, closeAll := openTest(t, net, &fixed{m: ledBy(1, 2), changed: make(chan struct{})}, nil)
				defer closeAll()
				err := put(t, h)
				if c.want != nil {
					wantOnly(t, err, c.want)
					checkSendings(t, net.sent, nil, nil, nil)
					return
				}
				if err != nil || len(net.asked) != len(c.asks) {
					t.Errorf("got %v; asked %d times, want %d", err, len(net.asked), len(c.asks))
				}
				checkSendings(t, net.sent, []int{1}, []int{1}, []partition.Seq{300})
			})
		})
	}
}

func TestANodeAsksAgainOnceAConnectionBroke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &script{replies: []reply{done}, asks: []reply{commits(300), commits(900)}}
		h, closeAll := openTest(t, net, &fixed{m: ledBy(1, 2), changed: make(chan struct{})}, nil)
		defer closeAll()
		for asked, breaks := range []func(){func() {}, func() {}, func() { h.Lost(3) }, func() { h.Lost(2) }} {
			breaks()
			if err := put(t, h); err != nil {
				t.Error(err)
			}
			if want := 1 + asked/3; len(net.asked) != want {
				t.Errorf("write %d: asked %d times in all, want %d", asked, len(net.asked), want)
			}
		}
		checkSendings(t, net.sent, []int{1, 2, 3, 4}, []int{1, 1, 1, 1}, []partition.Seq{300, 400, 400, 900})
	})
}

func TestAQuestionToAFormerPrimaryIsPutToTheNewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := &script{replies: []reply{done}, asks: []reply{hang, commits(300)}}
		cluster := &fixed{m: ledBy(1, 2), changed: make(chan struct{})}
		h, closeAll := openTest(t, net, cluster, nil)
		defer closeAll()
		time.AfterFunc(100*time.Millisecond, func() { cluster.set(ledBy(2, 3)) })
		if err := put(t, h); err != nil {
			t.Error(err)
		}
		if len(net.asked) != 2 || net.asked[1] != 3 || len(net.sent) != 1 || net.sent[0].to != 3 ||
			net.sent[0].op.Attempt != 1 || net.sent[0].op.Floor != 300 {
			t.Errorf("asked %v, sent %+v", net.asked, net.sent)
		}
	})
}

func TestAReplyAboutCommitsIsDecodedOrRefused(t *testing.T) {
	for _, body := range [][]byte{nil, {}, {replyDone}, {replyFound}, {replyError}, {replyError + 1}, {255}} {
		if m, err := decodeCommits(body); err == nil {
			t.Errorf("%v: got %+v, want an error", body, m)
		}
	}
	if _, err := decodeCommits(notPrimary.body); !errors.Is(err, partition.ErrNotPrimary) {
		t.Errorf("got %v, want %v", err, partition.ErrNotPrimary)
	}
}

// A primary looks for a name only behind its floor: one that is raised after the write
// may have been carried out would have it carried out again.
func TestWhatIsHeardMeanwhileIsAFloorOnlyWhereNothingMayHaveBeenDone(t *testing.T) {
	for _, c := range []struct {
		name     string
		first    []reply
		attempts []int
		floors   []partition.Seq
	}{
		{"not sent", []reply{notSent}, []int{1, 1}, []partition.Seq{300, 500}},
		{"refused", []reply{unavailable}, []int{1, 1}, []partition.Seq{300, 500}},
		{"lost", []reply{lost}, []int{1, 2}, []partition.Seq{300, 300}},
		{"answered with nonsense", []reply{garbage}, []int{1, 2}, []partition.Seq{300, 300}},
		{"not known to the primary", []reply{unknown}, []int{1, 2}, []partition.Seq{300, 300}},
		{"lost, then refused", []reply{lost, unavailable}, []int{1, 2, 3}, []partition.Seq{300, 300, 300}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				net := &script{replies: append(c.first, done), asks: []reply{commits(300)}}
				h, closeAll := openTest(t, net, &fixed{m: ledBy(1, 2), changed: make(chan struct{})}, nil)
				defer closeAll()
				time.AfterFunc(minPause/2, func() {
					h.view.Load().heard(2, &replica.Commits{Version: 1, Partitions: []replica.Committed{{Seq: 500}}})
					h.Lost(2) // so that who needs a floor asks again
				})
				if err := put(t, h); err != nil {
					t.Error(err)
				}
				names := make([]int, len(c.floors))
				for i := range names {
					names[i] = 1
				}
				checkSendings(t, net.sent, names, c.attempts, c.floors)
			})
		})
	}
}
