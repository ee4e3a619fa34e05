package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"pipelinedht/httpapi/load"
)

// introduce says what is going to happen, and how to undo it by hand.
func (b *bench) introduce() {
	spread := "all alike"
	if b.zipf > 0 {
		spread = fmt.Sprintf("Zipf %v", b.zipf)
	}
	b.say("%d keys of %v bytes, %s, %d %% GET, %d connections to %d of %d nodes, %d copies, for %v",
		b.keys, int(b.value), spread, b.reads, b.connections, len(b.addresses), len(b.ring.Peers), b.ring.Settings.Replicas, b.time)
	b.say("the keys begin with %s-; should they be left: %s", b.prefix, b.removal())
}

// print prints the final table.
func (b *bench) print(r *load.Result) {
	out := b.program.stdout
	fmt.Fprintf(out, "%-6s %10s %12s %9s %9s %9s %9s\n", "", "requests", "requests/s", "p50 ms", "p99 ms", "p99.9 ms", "max ms")
	row := func(name string, h *load.Histogram) {
		fmt.Fprintf(out, "%-6s %10d %12.0f %9.2f %9.2f %9.2f %9.2f\n", name, h.Count(), float64(h.Count())/r.Elapsed.Seconds(),
			ms(h.Quantile(0.50)), ms(h.Quantile(0.99)), ms(h.Quantile(0.999)), ms(h.Quantile(1)))
	}
	if b.reads > 0 {
		row("GET", &r.Reads)
	}
	if b.reads < 100 {
		row("PUT", &r.Writes)
	}
	if b.reads > 0 && b.reads < 100 {
		row("all", r.Latencies())
	}
	fmt.Fprintf(out, "errors %10d", r.Failures())
	for _, status := range slices.Sorted(maps.Keys(r.Failed)) {
		fmt.Fprintf(out, "   %s: %d", statusName(status), r.Failed[status])
	}
	fmt.Fprintln(out)
	if r.Err != nil {
		b.say("the last connection that broke: %v", r.Err)
	}
}

// statusName is how a failure is told.
func statusName(status int) string {
	if status == load.NoAnswer {
		return "no answer"
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
}

// figuresOf is a second's figures on one line.
func figuresOf(t *load.Tally) string {
	return fmt.Sprintf("%d requests/s, p99 %.2f ms, %d errors", t.Done(), ms(t.Latencies().Quantile(0.99)), t.Failures())
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// progress is a line that tells how it goes. On a terminal each overwrites the one
// before.
type progress struct {
	to       io.Writer
	terminal bool
	shown    bool
}

func newProgress(to io.Writer) *progress { return &progress{to: to, terminal: isTerminal(to)} }

func (p *progress) show(text string) {
	p.shown = true
	if p.terminal {
		fmt.Fprintf(p.to, "\r%s\x1b[K", text)
		return
	}
	fmt.Fprintln(p.to, text)
}

// end clears the line.
func (p *progress) end() {
	if p.terminal && p.shown {
		fmt.Fprint(p.to, "\r\x1b[K")
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
