package main

import (
	"strings"
	"testing"
)

func TestCommandLinesThatAreWrong(t *testing.T) {
	for _, c := range []struct {
		name, line, words string
		environment       []string
	}{
		{"a command that does not exist", "frobnicate", "frobnicate", nil},
		{"a flag that does not exist", "get k --frobnicate", "--frobnicate", nil},
		{"no key", "get", "accepts 1 arg", nil},
		{"an empty key", "get ''", "the key is empty", nil},
		{"two keys", "del a b", "accepts 1 arg", nil},
		{"a value twice", "put k v --file f", "not both", nil},
		{"two conditions", "put k v --if-absent --if-present", "if-absent", nil},
		{"a version that no value has", "put k v --if-version 0", "--if-version 0", nil},
		{"a version that is no number", "put k v --if-version x", "--if-version", nil},
		{"a key that is not percent-encoded", "get %zz --encoded", "percent-encoded", nil},
		{"a node without a port", "get k --addr localhost", "is not host:port", nil},
		{"a negative time", "get k --timeout -1s", "--timeout", nil},
		{"a join list of nobody", "join", "requires at least 1 arg", nil},
		{"a join list of the wrong shape", "join localhost:9876", `"localhost:9876" is not name:host:port`, nil},
		{"an empty key to place", "ring --key ''", "--key is empty", nil},
		{"a node without a name", "serve", "--name: a node needs a name", nil},
		{"a name with a colon", "serve --name a:b", `name "a:b" has a ':'`, nil},
		{"a name with a blank", "serve --name 'a b'", `has a ' '`, nil},
		{"a port beyond all", "serve --name a --port 65536", "--port 65536: give 0 to 65535", nil},
		{"a port that is a word", "serve --name a -p http", "--port", nil},
		{"an address to advertise without a port", "serve --name a --advertise peer1", `--advertise: address "peer1" is not host:port`, nil},
		{"no replicas", "serve --name a --replicas 0", "--replicas 0: give 1 to 7", nil},
		{"too many partitions", "serve --name a --partitions 65537", "--partitions 65537: give 1 to 65536", nil},
		{"a contact that is none", "serve --name a --join garbage", `--join: "garbage" is not host:port`, nil},
		{"no time to stop", "serve --name a --shutdown-timeout 0s", "--shutdown-timeout", nil},
		{"a level that is none", "serve --name a --log-level loud", "--log-level", nil},
		{"a key beyond what the store takes", "serve --name a --max-key 65537", "--max-key 65537: give at most 65536", nil},
		{"more of a partition under way than one message brings", "serve --name a --max-flight-partition 33MiB", "--max-flight-partition 34603008: give at most 33554432", nil},
		{"a size that is none", "serve --name a --max-value 16MB", `"16MB" is no size`, nil},
		{"no connections", "serve --name a --max-connections 0", "--max-connections 0: give at least 1", nil},
		{"no time for headers", "serve --name a --header-timeout 0s", "--header-timeout", nil},
		{"a bad variable of serve", "serve --name a", "DHT_PORT in the environment", []string{"DHT_PORT=http"}},
		{"a bad variable of a client", "get k", "DHT_TIMEOUT in the environment", []string{"DHT_TIMEOUT=soon"}},
		{"a bench without time", "bench --time 0s", "--time 0s: give a time", nil},
		{"a bench without connections", "bench --connections 0", "--connections 0: give 1 to 4096", nil},
		{"more reads than requests", "bench --reads 101", "--reads 101: give a percentage", nil},
		{"values that cannot differ", "bench --value 7", "--value 7: give at least 8 bytes", nil},
		{"a bench without keys", "bench --keys 0", "--keys 0: give 1", nil},
		{"an exponent beyond the method", "bench --zipf 1", "--zipf 1: give 0, or more and less than 1", nil},
		{"an exponent that is no number", "bench --zipf NaN", "--zipf NaN", nil},
		{"a bench that waits for ever", "bench --timeout 0s", "--timeout 0s", nil},
		{"a prefix of others' keys", "bench --remove user- --keys 3", `--remove "user-": give the prefix`, nil},
		{"a prefix without a number of keys", "bench --remove bench-0123456789ab", "--keys", nil},
		{"arguments for bench", "bench now", "unknown command", nil},
		{"arguments for serve", "serve a", "unknown command", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			args := words(c.line)
			got := command(t, "", c.environment, args...)
			if got.status != exitUsage || got.stdout != "" {
				t.Errorf("%s: got exit status %d and %q, want %d and nothing", quoted(args), got.status, got.stdout, exitUsage)
			}
			if !strings.Contains(got.stderr, c.words) || !strings.Contains(got.stderr, "--help") {
				t.Errorf("%s: got %q, want %q and where to find help", quoted(args), got.stderr, c.words)
			}
		})
	}
}

// words splits a line at blanks outside of single quotes.
func words(line string) []string {
	var all []string
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			all = append(all, part)
			continue
		}
		all = append(all, strings.Fields(part)...)
	}
	return all
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]int{"0": 0, "1": 1, "4096": 4096, "4KiB": 4096, "16MiB": 16 << 20, "1GiB": 1 << 30, "1024GiB": 1 << 40} {
		var s size
		if err := s.Set(text); err != nil || int(s) != want {
			t.Errorf("%q: got %d, %v, want %d", text, s, err, want)
		}
		var again size
		if err := again.Set(s.String()); err != nil || again != s {
			t.Errorf("%q is written as %q, which reads as %d, %v", text, s.String(), again, err)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1.5MiB", "1MB", "1 KiB", "1025GiB", "99999999999999999999"} {
		var s size
		if err := s.Set(text); err == nil {
			t.Errorf("%q: got %d, want an error", text, s)
		}
	}
}

func TestHelpNamesTheExitStatusesAndTheEnvironment(t *testing.T) {
	got := command(t, "", nil, "serve", "--help")
	for _, word := range []string{"[DHT_NAME]", "[DHT_DATA_DIR]", "-n, --name", "-k, --host", "-p, --port", `(default "localhost")`, "(default 9876)"} {
		if !strings.Contains(got.stdout, word) {
			t.Errorf("dht serve --help: no %q in\n%s", word, got.stdout)
		}
	}
	if got := command(t, "", nil, "put", "--help"); !strings.Contains(got.stdout, "Exit status: 0 done") || !strings.Contains(got.stdout, "[DHT_ADDR]") {
		t.Errorf("dht put --help: got\n%s", got.stdout)
	}
	if got := command(t, "", nil, "version"); got.status != exitOK || !strings.HasPrefix(got.stdout, "dht ") {
		t.Errorf("dht version: got %+v", got)
	}
}
