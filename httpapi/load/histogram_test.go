package load

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestALatencyIsInItsBucket(t *testing.T) {
	t.Parallel()
	for shift := range 62 {
		ns := uint64(1)<<shift + rand.Uint64N(uint64(1)<<shift)
		b := bucketOf(ns)
		if low, high := floorOf(b), floorOf(b+1); ns < low || ns >= high {
			t.Errorf("%d ns: bucket %d is from %d to before %d", ns, b, low, high)
		} else if width := high - low; width > 1 && width > low/(1<<subBits) {
			t.Errorf("%d ns: bucket %d is %d wide, want at most a %dth of %d", ns, b, width, 1<<subBits, low)
		}
	}
}

func TestAQuantileIsKnownToThreePercent(t *testing.T) {
	t.Parallel()
	var one, two, all Histogram
	for i := range 1000 {
		one.Add(time.Duration(2*i) * time.Microsecond)
		two.Add(time.Duration(2*i+1) * time.Microsecond)
	}
	all.Merge(&one)
	all.Merge(&two)
	for _, q := range []float64{0.5, 0.99} {
		want := time.Duration(q * 2000 * float64(time.Microsecond))
		if got := all.Quantile(q); got < want*97/100 || got > want*104/100 {
			t.Errorf("quantile %v of 0 to 2 ms: got %v, want about %v", q, got, want)
		}
	}
	if got := new(Histogram).Quantile(0.5); got != 0 {
		t.Errorf("quantile of nothing: got %v, want 0", got)
	}
}
