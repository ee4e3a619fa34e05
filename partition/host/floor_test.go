package host

import (
	"testing"

	"pipelinedht/partition"
)

func TestAFloorCountsOnlySinceItsPartitionBeganAnew(t *testing.T) {
	m := &partition.Map{Table: make([]partition.Row, 2)}
	old := &view{m: m, floors: floorsFor(&view{}, m)}
	run := run{floor: old.floors[0], op: &partition.Op{}, h: &Host{}}
	old.floors[0].learn(300)
	old.floors[0].learn(200)
	old.floors[1].learn(400)
	run.name()
	if run.op.Floor != 300 {
		t.Fatalf("floor of an operation: %d, want 300", run.op.Floor)
	}
	next := *m
	next.Table = []partition.Row{{Born: 7}, {}}
	floors := floorsFor(old, &next)
	old.floors[0].learn(500) // a straggling answer
	run.follow(floors[0])
	if run.op.Floor != 0 || floors[0].at() != 0 || floors[1].at() != 400 {
		t.Fatalf("the operation's floor %d, the partition's %d, the other's %d; want 0, 0, 400",
			run.op.Floor, floors[0].at(), floors[1].at())
	}
}
