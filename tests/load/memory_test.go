package load_test

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

// watch is the memory of processes over time.
type watch struct {
	stop chan struct{}
	done sync.WaitGroup

	mu   sync.Mutex
	most map[string]int64 // by node: the largest resident set seen, in bytes
	err  error
}

// watchMemory looks at the resident sets of the nodes' processes until end.
func watchMemory(nodes []*harness.Node) *watch {
	w := &watch{stop: make(chan struct{}), most: make(map[string]int64)}
	w.done.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, n := range nodes {
				rss, err := resident(n.PID())
				w.mu.Lock()
				w.most[n.Name] = max(w.most[n.Name], rss)
				if err != nil {
					w.err = err
				}
				w.mu.Unlock()
			}
			select {
			case <-tick.C:
			case <-w.stop:
				return
			}
		}
	})
	return w
}

// end fails the test if a process held more than bound bytes.
func (w *watch) end(t *testing.T, bound int64) {
	t.Helper()
	close(w.stop)
	w.done.Wait()
	if w.err != nil {
		t.Error(w.err)
	}
	for name, most := range w.most {
		t.Logf("%s: at most %d MiB resident, of %d MiB", name, most>>20, bound>>20)
		if most > bound {
			t.Errorf("%s: got %d MiB resident, want at most %d", name, most>>20, bound>>20)
		}
	}
}

// resident returns the bytes of memory that a process holds.
func resident(pid int) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0, fmt.Errorf("/proc/%d/statm: %q", pid, text)
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize()), err
}
