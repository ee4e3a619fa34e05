package load

import (
	"math"
	"math/rand/v2"
	"testing"
)

func TestKeysAreChosenByTheirRank(t *testing.T) {
	t.Parallel()
	const draws = 400_000
	for _, n := range []int{1, 2, 3, 100, 10_000} {
		for _, skew := range []float64{0, 0.5, YCSBSkew} {
			random := rand.New(rand.NewPCG(1, 2))
			z := newZipf(n, skew)
			counts := make([]int, n)
			for range draws {
				counts[z.choose(random)]++
			}
			sum := 0.0
			for k := range n {
				sum += math.Pow(float64(k+1), -skew)
			}
			// The share of the first tenth, and of the first two one by one.
			expectShare(t, n, skew, "first", float64(counts[0])/draws, 1/sum)
			if n > 1 {
				expectShare(t, n, skew, "second", float64(counts[1])/draws, math.Pow(2, -skew)/sum)
			}
			got, want := 0.0, 0.0
			for k := range (n + 9) / 10 {
				got += float64(counts[k]) / draws
				want += math.Pow(float64(k+1), -skew) / sum
			}
			expectShare(t, n, skew, "first tenth", got, want)
		}
	}
}

// expectShare allows for chance, and for the method's power law.
func expectShare(t *testing.T, n int, skew float64, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 0.05*want+0.002 {
		t.Errorf("%d keys, skew %v: the %s got %.4f of the draws, want %.4f", n, skew, what, got, want)
	}
}
