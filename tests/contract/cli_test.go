package contract_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pipelinedht/tests/harness"
)

// Exit statuses that scripts rely on.
const (
	done      = 0
	faulty    = 1 // it did not work, nothing took effect
	misused   = 2 // the command line is wrong
	missing   = 3 // the key has no value
	condition = 4 // the condition did not hold
)

// command runs a subcommand against a node and fails the test unless it ends
// with that status.
func command(t *testing.T, n *harness.Node, status int, stdin string, args ...string) harness.Result {
	t.Helper()
	r := harness.Exec(t, stdin, slices.Insert(slices.Clone(args), 1, "--addr", n.Address())...)
	if r.Exit != status {
		t.Errorf("dht %q: got exit status %d, want %d; it printed %q and %q", args, r.Exit, status, r.Stdout, r.Stderr)
	}
	if status != done && strings.TrimSpace(r.Stderr) == "" {
		t.Errorf("dht %q: exit status %d without a word on the error output", args, status)
	}
	return r
}

// printed fails the test unless the command printed exactly this.
func printed(t *testing.T, r harness.Result, want string) {
	t.Helper()
	if r.Stdout != want {
		t.Errorf("printed: got %q, want %q", r.Stdout, want)
	}
}

func TestCommandsPutGetAndDelete(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	command(t, n, missing, "", "get", "k")
	printed(t, command(t, n, done, "", "put", "k", "from an argument"), "")
	printed(t, command(t, n, done, "", "get", "k"), "from an argument")

	value := "from\x00stdin\r\n\xff"
	command(t, n, done, value, "put", "k")
	printed(t, command(t, n, done, "", "get", "k"), value)
	command(t, n, done, "", "put", "k", "")
	printed(t, command(t, n, done, "", "get", "k"), "")

	file := filepath.Join(harness.Dir(t, "files"), "value")
	must(t, os.WriteFile(file, []byte("from a file\n"), 0o600))
	command(t, n, done, "", "put", "a/b c", "--file", file)
	printed(t, command(t, n, done, "", "get", "a/b c"), "from a file\n")
	harness.Verify(t, harness.Pairs{"k": "", "a/b c": "from a file\n"}, n)

	printed(t, command(t, n, done, "", "del", "k"), "")
	command(t, n, done, "", "del", "k")
	command(t, n, missing, "", "get", "k")
	command(t, n, done, "", "put", "--", "-dashed", "v")

}

func TestCommandsListKeysAndPeers(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 2)
	pairs := harness.Numbered("key", 50).Union(harness.Pairs{"two\r\nlines": "", "50%": ""})
	harness.Load(t, pairs, nodes...)
	var listed []string
	for _, n := range nodes {
		listed = append(listed, strings.Split(strings.TrimSuffix(command(t, n, done, "", "keys").Stdout, "\n"), "\n")...)
	}
	slices.Sort(listed)
	want := append(harness.Numbered("key", 50).Keys(), "two%0D%0Alines", "50%25")
	slices.Sort(want)
	if !slices.Equal(listed, want) {
		t.Errorf("keys: got %q, want %q", listed, want)
	}
	printed(t, command(t, nodes[0], done, "", "peers"), "peer1\npeer2\n")
	printed(t, command(t, nodes[1], done, "", "peers"), "peer2\npeer1\n")
}

func TestCommandsJoinAndLeave(t *testing.T) {
	t.Parallel()
	nodes := harness.StartAll(t, 2)
	command(t, nodes[1], done, "", "join", nodes[0].Contact())
	harness.CheckPeers(t, nodes)
	for _, args := range [][]string{{"status"}, {"ring"}, {"ring", "--key", "k"}} {
		if r := command(t, nodes[0], done, "", args...); r.Stdout == "" {
			t.Errorf("dht %q printed nothing", args)
		}
	}
	command(t, nodes[1], done, "", "leave")
	harness.CheckPeers(t, nodes[:1])
	harness.CheckPeers(t, nodes[1:])
	command(t, nodes[1], faulty, "", "join", "dead:"+deadAddress(t))
	command(t, nodes[1], misused, "", "join", "garbage")
}

func TestCommandsHaveConditions(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	command(t, n, condition, "", "put", "k", "v", "--if-present")
	command(t, n, done, "", "put", "k", "v", "--if-absent")
	command(t, n, condition, "", "put", "k", "w", "--if-absent")
	command(t, n, condition, "", "del", "k", "--if-version", "1")
	printed(t, command(t, n, done, "", "get", "k"), "v")
}

func TestCommandsFailWithAReasonAndAStatus(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	for _, args := range [][]string{
		{"get"}, {"get", ""}, {"get", "a", "b"}, {"put"}, {"put", ""}, {"put", "k", "v", "w"}, {"del"}, {"join"},
		{"keys", "k"}, {"get", "k", "--no-such-flag"},
	} {
		command(t, n, misused, "", args...)
	}
	command(t, n, faulty, "", "put", strings.Repeat("k", 5000), "v")
	command(t, n, faulty, strings.Repeat("v", maxValue+1), "put", "k")
	command(t, n, faulty, "", "put", "k", "--file", "/no/such/file")
	harness.VerifyListed(t, nil, n)

	n.Kill()
	for _, args := range [][]string{{"get", "k"}, {"put", "k", "v"}, {"keys"}, {"peers"}, {"leave"}, {"status"}, {"ring"}} {
		command(t, n, faulty, "", args...)
	}
	if r := harness.Exec(t, "", "get", "k", "--addr", "garbage"); r.Exit != misused {
		t.Errorf("dht get with --addr garbage: got exit status %d, want %d: %s", r.Exit, misused, r.Stderr)
	}
}

func TestVersionIsPrinted(t *testing.T) {
	t.Parallel()
	if r := harness.Exec(t, "", "version"); r.Exit != done || !strings.HasPrefix(r.Stdout, "dht ") {
		t.Errorf("dht version: got exit status %d and %q, want 0 and dht with its version", r.Exit, r.Stdout)
	}
}
