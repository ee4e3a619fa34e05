// Package failpoint is the faults that a chaos run is made of. Each brings itself
// about, lasts, and ends itself: afterwards every process runs again and the
// network is whole, though the cluster may still be busy with the consequences.
//
// No fault may destroy as many copies of a partition as there are, which only
// nodes without data directories can: it would lose what was acknowledged, as it
// must.
package failpoint

import (
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/traffic"
	"pipelinedht/tests/register"
)

// Failpoint is a kind of fault.
type Failpoint interface {
	// Name says what happens, in a few words.
	Name() string
	// Available reports whether it can be brought about in the cluster as it is,
	// within the promises that are to hold.
	Available(*cluster.Cluster) bool
	// Inject has it happen, last and end. An error is a violation: something that
	// must succeed did not, or not within its bound.
	Inject(*Scene) error
}

// Scene is where a fault happens.
type Scene struct {
	Cluster *cluster.Cluster
	Rng     *rand.Rand
	History *register.History // of probes
	Once    *traffic.Once     // of what lonely nodes bring along
	Log     func(format string, args ...any)
	// Settled: the cluster was settled when the fault began, so that failover can
	// be measured.
	Settled bool

	// Failover is what a fault measured; nil: nothing.
	Failover *Failover
	watch    *watch
}

// all is every kind of fault.
var all = slices.Concat(
	[]Failpoint{
		killOne{}, killLeader{}, killTwo{}, killAll{},
		freezeOne{}, freezeLeader{}, blinkOne{},
		stopOne{}, rollingRestart{},
		isolateOne{}, isolateLeader{}, splitMinority{}, flap{},
		freezeAll{}, killMost{}, crashLoop{}, killOneFreezeAnother{}, killOneCutAnother{},
		readIsolated{}, cutOffAtReturn{}, growUnheard{}, restartUnheard{},
		replaceOne{}, leaveAndJoin{}, changeAtOnce{}, leaveWhileOneIsDead{}, joinWhileOneIsDead{},
	},
	wireFaults,
	cutChanges,
)

// Available returns the faults that can be brought about now, of those whose name
// contains a text.
func Available(c *cluster.Cluster, named string) []Failpoint {
	var can []Failpoint
	for _, f := range all {
		if strings.Contains(f.Name(), named) && f.Available(c) {
			can = append(can, f)
		}
	}
	return can
}

// any returns a random member that is well.
func (s *Scene) any() *cluster.Member {
	well := s.Cluster.Well()
	return well[s.Rng.IntN(len(well))]
}

// between returns a random time of at least low and less than high.
func (s *Scene) between(low, high time.Duration) time.Duration {
	return low + time.Duration(s.Rng.Int64N(int64(high-low)))
}

// last lets the fault last for a random time.
func (s *Scene) last(low, high time.Duration) { <-time.After(s.between(low, high)) }
