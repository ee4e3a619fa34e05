package main

import (
	"bytes"
	"os"
	"regexp"
	"testing"
	"time"

	"pipelinedht/httpapi/load"
)

// TestMain makes the test binary the bare server, too, as the command is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		exitOn(serveBare(os.Args[2:]))
		return
	}
	os.Exit(m.Run())
}

func TestTheBenchFillsItsTables(t *testing.T) {
	s, err := parse([]string{"-only", "get,join,catchup,import,growth", "-rounds", "1", "-time", "200ms",
		"-keys", "2000", "-join-keys", "2000", "-catchup-keys", "2000", "-import-keys", "2000", "-start-keys", "2000", "-idle", "100ms", "-connections", "4", "-dir", t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), s, &out); err != nil {
		t.Fatalf("%v after\n%s", err, out.String())
	}
	for _, row := range []string{
		`bare net/http \+ mux, GET +\d+ .* [1-9]\d*\n`,
		`GET through another node .* GET at the primary \(0\.80\), \d.* bare`,
		`a fourth node joins .* 256 copies moved, 1\.00 of the fewest`,
		`it leaves .* 768 copies moved, 1\.00 of the fewest`,
		`during the leave +\d`,
		`a killed one is back, 2000 writes missed .* the others sent [1-9]\d* keys of transfers, [1-9]\d* entries`,
		`memory of the largest node +[1-9]\d* MB  at most, [1-9]\d* MB before`,
		`while the killed one comes back +\d`,
		`fsynced +\d+\.\d\d s +[1-9]\d* keys/s`,
		`PUT, three copies, 7 nodes .* PUT, three copies, 3 nodes`,
		`node 5 +\d+\.\d\d % of a core`,
		`one node with 2000 keys .*\nPUT, pipelined, through all nodes .* keys/s`,
		`ready after SIGTERM +\d.* [1-9]\d*\.\d bytes a key on disk`,
		`ready after SIGKILL +\d`,
		`BenchmarkApply1000x65536/AddPeer\S* .* entry-bytes`,
		`BenchmarkMap1000x65536/`,
		`load generator: \d`,
	} {
		if !regexp.MustCompile(row).MatchString(out.String()) {
			t.Errorf("no row like %s in\n%s", row, out.String())
		}
	}
}

func TestArgumentsThatAreWrong(t *testing.T) {
	for _, args := range [][]string{{"-only", "sleep"}, {"-peers", "sleep"}, {"-growth", "sleep"}, {"-rounds", "0"}, {"-time", "0s"}, {"-value", "7"}, {"-keys", "1"}, {"more"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q: got no error", args)
		}
	}
}

func TestTheMedianIsTheMiddleOne(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{3, 1, 2}, 2}, {[]float64{4, 1, 3, 2}, 3}} {
		if got := median(c.values); got != c.want {
			t.Errorf("%v: got %v, want %v", c.values, got, c.want)
		}
	}
}

func TestLinesAreHeldAgainstTheSameRound(t *testing.T) {
	at := func(seconds ...time.Duration) *line {
		l := new(line)
		for _, s := range seconds {
			result := &load.Result{Elapsed: s}
			result.Reads.Add(time.Millisecond)
			l.samples = append(l.samples, &sample{result, unknownExpense()})
		}
		return l
	}
	// Rates of 1/1, 1/2, 1/4 against 1/2, 1/2, 1/2.
	if got := at(1*time.Second, 2*time.Second, 4*time.Second).ratio(rate, at(2*time.Second, 2*time.Second, 2*time.Second)); got != 1 {
		t.Errorf("got a median ratio of %v, want 1", got)
	}
}
