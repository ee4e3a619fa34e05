package contract_test

import (
	"strings"
	"testing"

	"pipelinedht/tests/harness"
)

// refusedJoin has n send a join body that must be refused, and checks that its
// cluster stays as it was.
func refusedJoin(t *testing.T, what string, n *harness.Node, body string, status ...int) {
	t.Helper()
	a, err := n.JoinBody(body)
	expectRefusal(t, "join "+what, a, err, status...)
}

func TestJoinsThatCannotWorkGetAClearErrorAndLoseNoKey(t *testing.T) {
	t.Parallel()
	n, other, namesake := harness.Start(t, "peer1"), harness.Start(t, "peer2"), harness.Start(t, "peer1")
	must(t, other.Join(namesake.Contact()))
	pairs := harness.Numbered("key", 100)
	harness.Load(t, pairs, n)
	before, err := n.Ring()
	must(t, err)

	refusedJoin(t, "to nobody", n, "dead:"+deadAddress(t), 400, 502, 503, 504)
	refusedJoin(t, "to a name that no resolver knows", n, "dead:no.such.host.invalid:9876", 400, 502, 503, 504)
	refusedJoin(t, "to itself", n, n.Contact(), 400, 409)
	refusedJoin(t, "under a taken name", n, other.Contact(), 409)

	after, err := n.Ring()
	must(t, err)
	if before.Cluster != after.Cluster {
		t.Errorf("cluster: got %s, want %s as before", after.Cluster, before.Cluster)
	}
	harness.CheckPeers(t, []*harness.Node{n})
	harness.Verify(t, pairs, n)
	harness.CheckPeers(t, []*harness.Node{other, namesake})
	harness.VerifyListed(t, nil, other, namesake)
	must(t, n.Put("still", "writable"))
}

func TestMemberWhoseJoinIsRefusedStaysWhereItWas(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 3)
	namesake := harness.Start(t, "peer3")
	pairs := harness.Numbered("key", 100)
	harness.Load(t, pairs, nodes...)
	refusedJoin(t, "of a member to nobody", nodes[2], "dead:"+deadAddress(t), 400, 502, 503, 504)
	refusedJoin(t, "of a member under a taken name", nodes[2], namesake.Contact(), 409)
	harness.AwaitSettled(t, nodes)
	harness.CheckPeers(t, nodes)
	harness.Verify(t, pairs, nodes...)
	harness.CheckPeers(t, []*harness.Node{namesake})
}

func TestJoinBodiesOfEveryWrongShape(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	pairs := harness.Numbered("key", 10)
	harness.Load(t, pairs, n)
	for what, body := range map[string]string{
		"nothing":                "",
		"separators only":        " \r\n,\n ,",
		"a word":                 "peer2",
		"two parts":              "peer2:localhost",
		"no name":                ":localhost:9876",
		"no host":                "peer2::9876",
		"no port":                "peer2:localhost:",
		"port zero":              "peer2:localhost:0",
		"port too high":          "peer2:localhost:65536",
		"port negative":          "peer2:localhost:-1",
		"port not a number":      "peer2:localhost:98x6",
		"port with a plus":       "peer2:localhost:+98",
		"five parts":             "peer2:localhost:9876:1:2",
		"a URL":                  "http://localhost:9876/",
		"JSON":                   `{"peers":["peer2"]}`,
		"NUL bytes":              "\x00\x00\x00:\x00:1",
		"bytes that are no text": "\xff\xfe:\x80:\x81",
		"one good, one bad":      "dead:" + deadAddress(t) + ",garbage",
	} {
		refusedJoin(t, what, n, body, 400)
	}
	refusedJoin(t, "64 KiB and a byte", n, strings.Repeat("x", 64<<10+1), 413)
	harness.CheckPeers(t, []*harness.Node{n})
	harness.Verify(t, pairs, n)
}
