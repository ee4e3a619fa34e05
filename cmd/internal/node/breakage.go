//go:build breakage

package node

import (
	"os"

	"pipelinedht/partition/replica"
)

// A binary of this build breaks the rule of the protocol that DHT_BREAKAGE names,
// to show that the tests of real processes notice.
func init() {
	name := os.Getenv("DHT_BREAKAGE")
	if name == "" {
		return
	}
	if err := replica.Break(name); err != nil {
		panic(err)
	}
}
