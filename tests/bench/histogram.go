package main

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

// histogram counts latencies. It belongs to one goroutine.
type histogram [buckets]uint32

func (h *histogram) add(d time.Duration) { h[bucketOf(uint64(max(d, 0)))]++ }

func (h *histogram) merge(other *histogram) {
	for i, n := range other {
		h[i] += n
	}
}

// quantile returns the latency that a share q of all stay below.
func (h *histogram) quantile(q float64) time.Duration {
	var total, seen uint64
	for _, n := range h {
		total += uint64(n)
	}
	for i, n := range h {
		seen += uint64(n)
		if n > 0 && float64(seen) >= q*float64(total) {
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
