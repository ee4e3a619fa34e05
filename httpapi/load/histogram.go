package load

import (
	"math/bits"
	"time"
)

// Latencies are counted in buckets whose width grows with them: each power of two
// of nanoseconds is divided into 32, so a quantile is known to 3 %.
const (
	subBits = 5
	buckets = (64 - subBits) << subBits
)

// Histogram counts latencies. It belongs to one goroutine.
type Histogram struct {
	count   int
	buckets [buckets]uint64
}

// Add counts one latency.
func (h *Histogram) Add(d time.Duration) {
	h.count++
	h.buckets[bucketOf(uint64(max(d, 0)))]++
}

// Merge adds all that another one has counted.
func (h *Histogram) Merge(other *Histogram) {
	if other.count == 0 {
		return
	}
	h.count += other.count
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
}

// Count returns how many latencies there are.
func (h *Histogram) Count() int { return h.count }

// Quantile returns the latency that a share q of all stay below, and 0 if there
// are none.
func (h *Histogram) Quantile(q float64) time.Duration {
	var seen uint64
	for i, n := range h.buckets {
		seen += n
		if n > 0 && float64(seen) >= q*float64(h.count) {
			return time.Duration(floorOf(i + 1))
		}
	}
	return 0
}

// bucketOf returns the bucket of a latency in nanoseconds.
func bucketOf(ns uint64) int {
	shift := max(bits.Len64(ns)-subBits-1, 0)
	return shift<<subBits + int(ns>>shift)
}

// floorOf returns the smallest latency of a bucket.
func floorOf(bucket int) uint64 {
	shift := max(bucket>>subBits-1, 0)
	return uint64(bucket-shift<<subBits) << shift
}
