package contract_test

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"testing"

	"pipelinedht/tests/harness"
)

// maxValue is the largest value by default: 16 MiB.
const maxValue = 16 << 20

func TestLargestValuesPassThroughEveryNode(t *testing.T) {
	t.Parallel()
	nodes := harness.Cluster(t, 3)
	rng := harness.Rand(harness.Seed(t), 0)
	for i, n := range nodes {
		for _, size := range []int{0, 1, maxValue, 65535, 1 << 20, 2, maxValue - 1} {
			value := random(rng, size)
			_, err := n.Do("PUT", harness.KeyPath("large"), value)
			must(t, err)
			got, err := nodes[(i+1)%len(nodes)].Do("GET", harness.KeyPath("large"), nil)
			must(t, err)
			if sha256.Sum256([]byte(got.Body)) != sha256.Sum256(value) {
				t.Errorf("%d bytes written through %s: got %d other bytes", size, n.Name, len(got.Body))
			}
		}
	}
}

func TestValueOfEveryByteComesBackAsItWas(t *testing.T) {
	t.Parallel()
	n := harness.Start(t, "peer1")
	var all bytes.Buffer
	for b := range 256 {
		all.WriteByte(byte(b))
		all.WriteString("\r\n")
	}
	pairs := harness.Pairs{"bytes": all.String(), "lines": "\r\n\r\n", "nul": "\x00"}
	harness.Load(t, pairs, n)
	harness.Verify(t, pairs, n)
}

func random(rng *rand.Rand, size int) []byte {
	value := make([]byte, size)
	for i := range value {
		value[i] = byte(rng.Uint32())
	}
	return value
}
