package durability_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// forget runs dht forget against a node.
func forget(t *testing.T, by *harness.Node, args ...string) harness.Result {
	t.Helper()
	return harness.Exec(t, "", append([]string{"forget", "--addr", by.Address()}, args...)...)
}

// expectRefused fails the test unless the command refused, in words that have these.
func expectRefused(t *testing.T, r harness.Result, words ...string) {
	t.Helper()
	if r.Exit != 1 {
		t.Fatalf("exit status %d, want 1; printed %q, %q", r.Exit, r.Stdout, r.Stderr)
	}
	for _, w := range words {
		if !strings.Contains(r.Stderr, w) {
			t.Errorf("refused with %q, want a word on %q", r.Stderr, w)
		}
	}
}

// expectDone fails the test unless the command worked.
func expectDone(t *testing.T, r harness.Result) {
	t.Helper()
	if r.Exit != 0 {
		t.Fatalf("exit status %d; printed %q, %q", r.Exit, r.Stdout, r.Stderr)
	}
}

// awaitUnready waits until the node answers GET /readyz with 503 and these words.
func awaitUnready(t *testing.T, n *harness.Node, words string) {
	t.Helper()
	harness.Await(t, 30*time.Second, n.Name+" says "+words, func() error {
		_, err := n.Do("GET", "/readyz", nil)
		var refused *harness.StatusError
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || !strings.Contains(refused.Body, words) {
			return errors.Join(errors.New("not told yet"), err)
		}
		return nil
	})
}

func TestForgottenNodeThatReturnsSaysSoAndMayJoinAgain(t *testing.T) {
	t.Parallel()
	nodes := harness.DurableCluster(t, 4)
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes...)
	harness.AwaitSettled(t, nodes)
	gone, rest := nodes[3], nodes[:3]
	expectRefused(t, forget(t, rest[0], gone.Name), "is up", "dht leave --addr "+gone.Address())
	expectRefused(t, forget(t, rest[0], "nobody"), "nobody", gone.Name)
	gone.Kill()
	expectDone(t, forget(t, rest[0], gone.Name))
	harness.AwaitSettled(t, rest)
	harness.CheckPeers(t, rest)
	harness.Verify(t, pairs, rest...)

	gone.Launch(gone.Port)
	awaitUnready(t, gone, "was removed from its cluster")
	if _, _, err := gone.Get("key-0001"); err == nil {
		t.Error("the forgotten node serves")
	}
	must(t, gone.Leave())
	must(t, gone.Join(rest[1].Contact()))
	harness.AwaitSettled(t, nodes)
	harness.Verify(t, pairs, nodes...)
}

func TestNewNodeUnderADeadOnesNameAndPortTakesItsPlace(t *testing.T) {
	t.Parallel()
	nodes := harness.DurableCluster(t, 3)
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes...)
	harness.AwaitSettled(t, nodes)
	nodes[2].Kill()
	must(t, os.RemoveAll(nodes[2].DataDir))
	nodes[2].Restart()
	must(t, nodes[2].Join(nodes[0].Contact()))
	harness.AwaitSettled(t, nodes)
	harness.CheckPeers(t, nodes)
	harness.Verify(t, pairs, nodes...)
}

func TestOnlyCopiesThatADeadNodeHadWaitForAnOperatorsWord(t *testing.T) {
	t.Parallel()
	nodes := harness.DurableCluster(t, 3, "--replicas", "1", "--request-timeout", "1s")
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes...)
	harness.AwaitSettled(t, nodes)
	lost, err := nodes[2].Keys()
	must(t, err)
	nodes[2].Kill()
	must(t, os.RemoveAll(nodes[2].DataDir))
	nodes[2].Restart()
	answer, err := nodes[2].JoinBody(nodes[0].Contact())
	must(t, err)
	if waiting := answer.Header.Get("DHT-Partitions-Waiting"); waiting == "" || waiting == "0" {
		t.Errorf("the join says that %q partitions wait", waiting)
	}
	if _, found, err := nodes[0].Get(lost[0]); err == nil {
		t.Errorf("a key that nobody has: found %t, want it refused", found)
	}
	shown := harness.Exec(t, "", "ring", "--addr", nodes[0].Address()).Stdout
	for _, words := range []string{"leaving, silent", "cannot be served: only peer3 has them"} {
		if !strings.Contains(shown, words) {
			t.Errorf("dht ring shows no %q:\n%s", words, shown)
		}
	}
	status := harness.Exec(t, "", "status", "--json", "--addr", nodes[0].Address()).Stdout
	for _, words := range []string{`"unserved":`, `"state":"leaving","silent":true`} {
		if !strings.Contains(status, words) {
			t.Errorf("dht status has no %s: %s", words, status)
		}
	}
	expectRefused(t, forget(t, nodes[0], nodes[2].Name), "--lose-data")
	expectDone(t, forget(t, nodes[0], nodes[2].Name, "--lose-data"))
	harness.AwaitSettled(t, nodes)
	harness.CheckPeers(t, nodes)
	for _, key := range lost {
		delete(pairs, key)
	}
	harness.VerifyMissing(t, lost, nodes...)
	harness.Verify(t, pairs, nodes...)
	for _, key := range lost {
		pairs[key] = "new"
		must(t, nodes[1].Put(key, "new"))
	}
	harness.Verify(t, pairs, nodes...)
}
