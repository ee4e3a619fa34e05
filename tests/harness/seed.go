package harness

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

var seedFlag = flag.Uint64("seed", 0, "seed of random tests; 0: DHTTEST_SEED, else a new one")

// Seed returns the seed of this run and prints it, so that a failing run can be
// repeated with -seed.
func Seed(t testing.TB) uint64 {
	t.Helper()
	seed := *seedFlag
	if text := os.Getenv("DHTTEST_SEED"); seed == 0 && text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("DHTTEST_SEED=%q: give a whole number", text)
		}
	}
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (repeat with -seed=%d or DHTTEST_SEED)", seed, seed)
	return seed
}

// Rand returns the random source number stream of a seed; streams of one seed
// are independent of each other.
func Rand(seed, stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }
