package contract_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pipelinedht/tests/harness"
)

// expectUsage fails the test unless the command line ended with an error that
// contains one of the words, on the error output.
func expectUsage(t *testing.T, args []string, words ...string) {
	t.Helper()
	r := harness.Exec(t, "", args...)
	t.Logf("dht %q: exit %d: %s", args, r.Exit, strings.TrimSpace(r.Stderr))
	if r.Exit <= 0 {
		t.Errorf("dht %q: got exit status %d, want an error", args, r.Exit)
	}
	if strings.Contains(r.Stderr, "goroutine ") {
		t.Errorf("dht %q: got a stack trace, want a sentence:\n%s", args, r.Stderr)
	}
	for _, word := range words {
		if strings.Contains(r.Stderr, word) {
			return
		}
	}
	t.Errorf("dht %q: got %q, want one of %q in it", args, r.Stderr, words)
}

// serve returns the command line of a node on a free port.
func serve(t *testing.T, name string, more ...string) []string {
	t.Helper()
	return append([]string{"serve", "--name", name, "--port", strconv.Itoa(harness.FreePort(t))}, more...)
}

func TestServeRefusesNamesThatNoJoinListCanCarry(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "a:b", "a b", " ", "a,b", "a\nb", "a\tb", strings.Repeat("n", 5000)} {
		expectUsage(t, serve(t, name), "name")
	}
}

func TestServeRefusesFlagsOutOfRange(t *testing.T) {
	t.Parallel()
	for _, bad := range [][]string{
		{"--port", "65536"}, {"--port", "-1"}, {"--port", "http"},
		{"--replicas", "0"}, {"--replicas", "8"}, {"--partitions", "0"}, {"--partitions", "65537"},
	} {
		expectUsage(t, serve(t, "peer1", bad...), strings.TrimPrefix(bad[0], "--"))
	}
	expectUsage(t, serve(t, "peer1", "--no-such-flag"), "no-such-flag")
	expectUsage(t, serve(t, "peer1", "--join", "garbage"), "join", "garbage")
	expectUsage(t, []string{"no-such-command"}, "no-such-command")
}

func TestServeBeyondLoopbackWantsASecret(t *testing.T) {
	t.Parallel()
	expectUsage(t, serve(t, "peer1", "--host", "0.0.0.0"), "--insecure")
	expectUsage(t, serve(t, "peer1", "--host", "0.0.0.0", "--insecure"), "reach this node")
	addresses, err := net.InterfaceAddrs()
	must(t, err)
	for _, address := range addresses {
		if ip, ok := address.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() {
			expectUsage(t, serve(t, "peer1", "--host", ip.IP.String()), "--insecure")
		}
	}
}

func TestSecondServeOnTheSamePortIsRefused(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	expectUsage(t, []string{"serve", "--name", "peer2", "--port", strconv.Itoa(n.Port)}, strconv.Itoa(n.Port))
	harness.CheckPeers(t, []*harness.Node{n})
}

func TestSecondServeOnTheSameDataDirectoryIsRefused(t *testing.T) {
	t.Parallel()
	n := harness.StartDurable(t, "peer1")
	must(t, n.Put("k", "v"))
	expectUsage(t, serve(t, "peer1", "--data-dir", n.DataDir), n.DataDir)
	expectUsage(t, serve(t, "peer2", "--data-dir", n.DataDir), n.DataDir)
	harness.Verify(t, harness.Pairs{"k": "v"}, n)
	n.Terminate()
	n.Restart()
	harness.Verify(t, harness.Pairs{"k": "v"}, n)
}

func TestFileWhereTheDataDirectoryShouldBeIsRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(harness.Dir(t, "data"), "file")
	must(t, os.WriteFile(file, []byte("precious"), 0o600))
	expectUsage(t, serve(t, "peer1", "--data-dir", file), file)
	expectUsage(t, serve(t, "peer1", "--data-dir", filepath.Join(file, "below")), file)
	if got, err := os.ReadFile(file); err != nil || string(got) != "precious" {
		t.Errorf("the file afterwards: got %q, %v, want it as it was", got, err)
	}
}

func TestDataDirectoryOfANewerFormatIsRefusedAndLeftAlone(t *testing.T) {
	t.Parallel()
	n := harness.StartDurable(t, "peer1")
	must(t, n.Put("k", "v"))
	n.Terminate()
	marker, newer := formatMarker(t, n.DataDir)
	must(t, os.Rename(marker, newer))
	expectUsage(t, serve(t, "peer1", "--data-dir", n.DataDir), "newer")
	must(t, os.Rename(newer, marker))
	n.Restart()
	harness.Verify(t, harness.Pairs{"k": "v"}, n)
}

// formatMarker returns the file whose name tells the format of the store's files,
// and the name that it would have with a format that is not invented yet.
func formatMarker(t *testing.T, dir string) (marker, newer string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), "marker.format-version.") {
			marker = path
		}
		return err
	}))
	if marker == "" {
		t.Fatalf("no format marker below %s", dir)
	}
	return marker, strings.TrimSuffix(marker, filepath.Ext(marker)) + ".999"
}

func TestNodeStopsOnSIGTERMWithStatusZero(t *testing.T) {
	t.Parallel()
	harness.Start(t, "peer1").Terminate()
	nodes := harness.Cluster(t, 2)
	nodes[1].Terminate()
	nodes[0].Terminate()
}
