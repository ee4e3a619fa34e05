package load

import (
	"math"
	"math/rand/v2"
)

// YCSBSkew is the exponent that the Yahoo! Cloud Serving Benchmark takes for keys
// of which a few are asked for much more often than all others.
const YCSBSkew = 0.99

// zipf chooses numbers below n, number k with a probability in proportion to
// 1/(k+1)^skew, by the method of Gray et al., "Quickly generating billion-record
// synthetic databases" (SIGMOD 1994): the first two exactly, the others by a power
// law in place of the sum. With a skew of 0 it is uniform. It is immutable.
type zipf struct {
	n, skew     float64
	sum         float64 // of all 1/k^skew
	second      float64 // the sum of the first two
	alpha, eta  float64
	wholeNumber int // n
}

// newZipf returns the distribution for a skew from 0 to below 1. It takes time in
// proportion to n.
func newZipf(n int, skew float64) *zipf {
	z := &zipf{n: float64(n), skew: skew, wholeNumber: n}
	if skew == 0 {
		return z
	}
	for k := range n {
		z.sum += math.Pow(float64(k+1), -skew)
	}
	z.second = 1 + math.Pow(2, -skew)
	z.alpha = 1 / (1 - skew)
	z.eta = (1 - math.Pow(2/z.n, 1-skew)) / (1 - z.second/z.sum)
	return z
}

// choose returns a number below n.
func (z *zipf) choose(random *rand.Rand) int {
	if z.skew == 0 {
		return random.IntN(z.wholeNumber)
	}
	u := random.Float64()
	switch at := u * z.sum; {
	case at < 1:
		return 0
	case at < z.second:
		return 1
	}
	return min(int(z.n*math.Pow(z.eta*u-z.eta+1, z.alpha)), z.wholeNumber-1)
}
