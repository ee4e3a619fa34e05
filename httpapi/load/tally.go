package load

import "time"

// Tally is what came of requests.
type Tally struct {
	// Latencies of those that were answered with StatusOK.
	Reads, Writes Histogram

	// Failed counts the others, by their status: NoAnswer for those without one.
	Failed map[int]int
	// Err is what broke a connection last, nil if nothing did.
	Err error
}

// Done returns how many requests succeeded.
func (t *Tally) Done() int { return t.Reads.Count() + t.Writes.Count() }

// Failures returns how many requests did not.
func (t *Tally) Failures() int {
	n := 0
	for _, count := range t.Failed {
		n += count
	}
	return n
}

// Latencies returns those of reads and writes together.
func (t *Tally) Latencies() *Histogram {
	both := t.Reads
	both.Merge(&t.Writes)
	return &both
}

func (t *Tally) add(op Op, status int, took time.Duration) {
	switch {
	case status != StatusOK:
		t.fail(status)
	case op == Get:
		t.Reads.Add(took)
	default:
		t.Writes.Add(took)
	}
}

func (t *Tally) fail(status int) {
	if t.Failed == nil {
		t.Failed = make(map[int]int)
	}
	t.Failed[status]++
}

// Merge adds another one.
func (t *Tally) Merge(other *Tally) {
	t.Reads.Merge(&other.Reads)
	t.Writes.Merge(&other.Writes)
	for status, n := range other.Failed {
		if t.Failed == nil {
			t.Failed = make(map[int]int)
		}
		t.Failed[status] += n
	}
	if other.Err != nil {
		t.Err = other.Err
	}
}
