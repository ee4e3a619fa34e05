package replica

import "testing"

// A lease covers terms up to the version that its beacon told. Maps come in batches,
// and so two of them at one moment.
func TestAPrimarysBeaconTellsOfItsLatestMap(t *testing.T) {
	n := served(inSync(1, 2))
	n.Ready()
	for range 2 {
		m := *n.m
		m.Version++
		n.SetMap(&m, n.now)
	}
	n.Batch()
	told := n.m.Version - 2
	for _, out := range n.Ready().Control {
		if b, ok := out.Message.(*Beacon); ok {
			told = b.Version
		}
	}
	if told != n.m.Version {
		t.Errorf("the last beacon tells of version %d, want %d", told, n.m.Version)
	}
}
