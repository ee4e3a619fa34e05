//go:build breakage

package replica

import (
	"testing"
	"time"
)

// TestBrokenRulesAreCaught leaves one rule of the protocol out at a time: the
// simulation must notice within a minute.
func TestBrokenRulesAreCaught(t *testing.T) {
	for name, rule := range map[string]breakage{
		"read without the check after it":    readWithoutCheck,
		"acknowledgement of another term":    ackAcrossTerms,
		"giving up on an unknown outcome":    forgetUnknown,
		"growing the set before counting it": growUncounted,
		"granting before the own PeerUp":     grantBeforeUp,
		"taking over without waiting it out": takeEarly,
	} {
		t.Run(name, func(t *testing.T) {
			active = rule
			defer func() { active = 0 }()
			if err := staleAck(); err != nil {
				t.Logf("caught by a history played by hand: %v", err)
				return
			}
			first := firstSeed()
			began := time.Now()
			for i := uint64(0); time.Since(began) < time.Minute; i++ {
				w := newWorld(first + i)
				if err := w.run(2*simFaults, simCalm); err != nil {
					t.Logf("caught by history %d (seed %d): %v", i, w.seed, err)
					return
				}
			}
			t.Errorf("not caught within a minute, from seed %d", first)
		})
	}
}
