package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"pipelinedht/httpapi/load"
)

// settings are what the flags choose.
type settings struct {
	only        []string
	peers       []string // which of the rivalries
	growth      []string // which of the growths
	rounds      int
	time        time.Duration // of one round of one line
	connections int
	keys        int // in a cluster that answers requests
	joinKeys    int // in a cluster that a fourth node joins
	catchUpKeys int // in a cluster with data directories, and missed by a node that comes back
	importKeys  int // of a node that joins with keys of its own
	startKeys   int // in a data directory that a node starts on
	valueBytes  int
	failovers   int // kills, and as many stops
	idle        time.Duration
	binary      string // "": built by this command
	dir         string // where data directories are made
}

// part is one section of the report.
type part struct {
	name string
	run  func(context.Context, *bench) error
}

var parts = []part{{"get", measureGets}, {"put", measurePuts}, {"mix", measureMixes}, {"size", measureSizes},
	{"connections", measureConnections}, {"join", measureJoins}, {"catchup", measureCatchUps}, {"import", measureImport},
	{"failover", measureFailovers}, {"plan", measurePlan}, {"growth", measureGrowth}, {"peers", measurePeers}}

// bench is one run of the command.
type bench struct {
	settings
	work string // directory of this run
	out  io.Writer
}

func (b *bench) printf(format string, args ...any) { fmt.Fprintf(b.out, format, args...) }

func main() {
	if len(os.Args) > 1 && os.Args[1] == bareCommand {
		exitOn(serveBare(os.Args[2:]))
		return
	}
	s, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	exitOn(err)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exitOn(run(ctx, s, os.Stdout))
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (settings, error) {
	var s settings
	all := make([]string, len(parts))
	for i, p := range parts {
		all[i] = p.name
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	only := flags.String("only", strings.Join(all, ","), "parts to run, separated by commas")
	peers := flags.String("peers", strings.Join(rivalryNames(), ","), "comparisons of the part peers to run, separated by commas")
	grow := flags.String("growth", strings.Join(growthNames(), ","), "what the part growth has grow, separated by commas")
	flags.IntVar(&s.rounds, "rounds", 3, "rounds of each line; its figures are their medians")
	flags.DurationVar(&s.time, "time", time.Second, "length of one round of one line")
	flags.IntVar(&s.connections, "connections", 64, "connections, each with one request under way")
	flags.IntVar(&s.keys, "keys", 100_000, "keys in a cluster for requests")
	flags.IntVar(&s.joinKeys, "join-keys", 1_000_000, "keys in a cluster for join")
	flags.IntVar(&s.catchUpKeys, "catchup-keys", 200_000, "keys in a cluster for catchup, and writes that a node misses")
	flags.IntVar(&s.importKeys, "import-keys", 200_000, "keys of the joining node for import")
	flags.IntVar(&s.startKeys, "start-keys", 1_000_000, "keys in the data directory that a node is started on, for growth")
	flags.DurationVar(&s.idle, "idle", 20*time.Second, "how long idle nodes are watched, for growth")
	flags.IntVar(&s.failovers, "failovers", 10, "times that a node is killed, and as many that one is stopped")
	flags.IntVar(&s.valueBytes, "value", 100, "bytes of a value, at least 8")
	flags.StringVar(&s.binary, "binary", "", "dht binary to measure instead of building one")
	flags.StringVar(&s.dir, "dir", os.TempDir(), "where to make data directories: a real disk, for fsync to mean something")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("%q: there are flags only", flags.Arg(0))
	}
	var err error
	if s.only, err = chosen("only", *only, all); err != nil {
		return s, err
	}
	if s.peers, err = chosen("peers", *peers, rivalryNames()); err != nil {
		return s, err
	}
	if s.growth, err = chosen("growth", *grow, growthNames()); err != nil {
		return s, err
	}
	if s.rounds < 1 || s.time <= 0 || s.connections < 1 || s.keys < 1000 || s.joinKeys < 1000 || s.catchUpKeys < 1000 || s.importKeys < 1000 || s.startKeys < 1000 || s.idle <= 0 || s.failovers < 1 || s.valueBytes < load.StampBytes {
		return s, fmt.Errorf("rounds, time, idle, connections and failovers must be positive, there must be 1000 keys, and %d bytes in a value", load.StampBytes)
	}
	return s, nil
}

// chosen returns the names in a flag's list, all of which must be among these.
func chosen(flag, list string, from []string) ([]string, error) {
	names := strings.Split(list, ",")
	for _, name := range names {
		if !slices.Contains(from, name) {
			return nil, fmt.Errorf("-%s %s: choose from %s", flag, name, strings.Join(from, ","))
		}
	}
	return names, nil
}

func run(ctx context.Context, s settings, out io.Writer) error {
	begun := time.Now()
	work, err := os.MkdirTemp(s.dir, "dht-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	b := &bench{settings: s, work: work, out: out}
	if b.binary == "" {
		if b.binary, err = build(ctx, work); err != nil {
			return err
		}
	}
	b.printMachine()
	for _, p := range parts {
		if !slices.Contains(s.only, p.name) {
			continue
		}
		if err := p.run(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	b.printGenerator()
	b.printf("whole run: %v\n", time.Since(begun).Round(time.Second))
	return nil
}
