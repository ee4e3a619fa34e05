package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestValuesComeFromArgumentFileAndStandardInput(t *testing.T) {
	n := serve(t, nil, "--name", "peer1")
	bytes := "\x00 \r\n\xff"
	file := filepath.Join(t.TempDir(), "value")
	if err := os.WriteFile(file, []byte(bytes), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, stdin string
		args        []string
		want        string
	}{
		{"an argument", "not this", []string{"put", "k", "a value"}, "a value"},
		{"an empty argument", "not this", []string{"put", "k", ""}, ""},
		{"standard input", bytes, []string{"put", "k"}, bytes},
		{"standard input by name", bytes, []string{"put", "k", "--file", "-"}, bytes},
		{"no standard input", "", []string{"put", "k"}, ""},
		{"a file", "not this", []string{"put", "k", "-f", file}, bytes},
		{"an argument that looks like a flag", "", []string{"put", "k", "--", "--value"}, "--value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			n.at(t, c.stdin, c.args...).expect(t, quoted(c.args), exitOK, "")
			n.at(t, "", "get", "k").expect(t, "dht get k", exitOK, c.want)
			n.at(t, "", "get", "k", "--file", file+".out").expect(t, "dht get k --file", exitOK, "")
			if got, err := os.ReadFile(file + ".out"); err != nil || string(got) != c.want {
				t.Errorf("dht get --file: got %q, %v, want %q", got, err, c.want)
			}
		})
	}
	n.at(t, "", "put", "k", "--file", file+".none").expect(t, "put of a file that is not there", exitError, "")
}

func TestExitStatuses(t *testing.T) {
	n := serve(t, nil, "--name", "peer1")
	for _, step := range []struct {
		line   string
		status int
	}{
		{"get k", exitMissing},
		{"del k", exitOK},
		{"del k --strict", exitMissing},
		{"put k v --if-present", exitCondition},
		{"put k v --if-version 1", exitCondition},
		{"put k v --if-absent", exitOK},
		{"put k v --if-absent", exitCondition},
		{"get k", exitOK},
		{"del k --if-version 1", exitCondition},
		{"del k --strict --if-present", exitOK},
		{"get k", exitMissing},
		{"put " + strings.Repeat("k", 5000) + " v", exitError},
		{"get k --addr localhost:1", exitError},
		{"put k v --addr localhost:1", exitError},
	} {
		if got := n.at(t, "", words(step.line)...); got.status != step.status {
			t.Fatalf("dht %.50s: got exit status %d (%s), want %d", step.line, got.status, got.stderr, step.status)
		}
	}
}

func TestVersionsAreForTheNextCondition(t *testing.T) {
	n := serve(t, nil, "--name", "peer1")
	first := strings.TrimSpace(n.at(t, "", "put", "k", "v", "--print-version").stderr)
	if got := strings.TrimSpace(n.at(t, "", "get", "k", "--print-version").stderr); got != first || got == "" {
		t.Errorf("get: got version %q, want %q as put said", got, first)
	}
	n.at(t, "", "put", "k", "w", "--if-version", first).expect(t, "put of the present version", exitOK, "")
	n.at(t, "", "put", "k", "x", "--if-version", first).expect(t, "put of the former version", exitCondition, "")
	n.at(t, "", "get", "k").expect(t, "get", exitOK, "w")
}

func TestKeysAreListedAsTheyAreTakenBack(t *testing.T) {
	n := serve(t, nil, "--name", "peer1")
	for _, key := range []string{"plain", "50%25", "nul%00", "line%0D%0A", "a b/c"} {
		n.at(t, "", "put", "--encoded", key, "value of "+key).expect(t, "put", exitOK, "")
	}
	listed := strings.Fields(strings.ReplaceAll(n.at(t, "", "keys").stdout, "a b/c", "a%20b/c"))
	if len(listed) != 5 {
		t.Fatalf("dht keys: got %q, want 5 lines", listed)
	}
	for _, key := range listed {
		want := "value of " + strings.ReplaceAll(key, "%20", " ")
		n.at(t, "", "get", "--encoded", key).expect(t, "get of "+key, exitOK, want)
	}
}

func TestRingAndStatusForPeopleAndPrograms(t *testing.T) {
	n := serve(t, []string{"DHT_NAME=peer1", "DHT_PARTITIONS=8", "DHT_REPLICAS=2"})
	ring := n.at(t, "", "ring")
	for _, word := range []string{"8 partitions in 2 copies", "peer1", n.address, "active"} {
		if !strings.Contains(ring.stdout, word) {
			t.Errorf("dht ring: no %q in\n%s", word, ring.stdout)
		}
	}
	if place := n.at(t, "", "ring", "--key", "k"); !strings.Contains(place.stdout, "primary peer1 ("+n.address+")") {
		t.Errorf("dht ring --key k: got %q", place.stdout)
	}
	for _, args := range [][]string{{"ring", "--json"}, {"ring", "--key", "k", "--json"}, {"status", "--json"}, {"status"}} {
		if got := n.at(t, "", args...); got.status != exitOK || !json.Valid([]byte(got.stdout)) {
			t.Errorf("%s: got %+v, want JSON", quoted(args), got)
		}
	}
	n.at(t, "", "peers").expect(t, "dht peers", exitOK, "peer1\n")
	n.at(t, "", "leave").expect(t, "dht leave, alone", exitOK, "")
}

func TestServeSaysWhereTheDataIsAndStopsCleanly(t *testing.T) {
	n := serve(t, nil, "--name", "peer1")
	if got := n.stdout.String(); !strings.Contains(got, "peer1 serves http://"+n.address+", in memory") {
		t.Errorf("first line: got %q, want it to say that all is in memory", got)
	}
	if status := n.stop(); status != exitOK {
		t.Errorf("stopped: got exit status %d, want %d", status, exitOK)
	}

	dir := filepath.Join(t.TempDir(), "data")
	n = serve(t, nil, "--name", "peer1", "--data-dir", dir)
	if got := n.stdout.String(); !strings.Contains(got, "data in "+dir) {
		t.Errorf("first line: got %q, want the directory in it", got)
	}
	n.at(t, "", "put", "k", "v").expect(t, "put", exitOK, "")
	n.stop()
	n = serve(t, nil, "--name", "peer1", "--data-dir", dir)
	awaitReady(t, n)
	n.at(t, "", "get", "k").expect(t, "get after a restart", exitOK, "v")
}

// awaitReady waits until the node answers a read.
func awaitReady(t *testing.T, n *served) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for time.Now().Before(deadline) {
		if n.at(t, "", "get", "no such key").status == exitMissing {
			return
		}
	}
	t.Fatal("the node does not get ready")
}

func TestSecondServeIsRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	n := serve(t, nil, "--name", "peer1", "--data-dir", dir)
	_, port, _ := strings.Cut(n.address, ":")
	for _, c := range []struct{ name, line, words string }{
		{"on the same port", "serve --name peer2 --port " + port, port},
		{"on the same directory", "serve --name peer1 --port 0 --data-dir " + dir, dir},
	} {
		got := command(t, "", nil, words(c.line)...)
		if got.status == exitOK || !strings.Contains(got.stderr, c.words) {
			t.Errorf("%s: got exit status %d and %q, want an error with %q", c.name, got.status, got.stderr, c.words)
		}
	}
}
