package partition_test

import (
	"fmt"
	"testing"

	"pipelinedht/partition"
)

func TestConditionHolds(t *testing.T) {
	const stamp = 7
	for _, x := range []struct {
		condition         partition.Condition
		always            bool
		absent, at, other bool // holds without a value; with one of that stamp; with one of another
	}{
		{partition.Condition{}, true, true, true, true},
		{partition.Condition{IfAbsent: true}, false, true, false, false},
		{partition.Condition{IfPresent: true}, false, false, true, true},
		{partition.Condition{IfStamp: []partition.Stamp{stamp}}, false, false, true, false},
		{partition.Condition{IfStamp: []partition.Stamp{1, stamp}}, false, false, true, false},
		{partition.Condition{IfStamp: []partition.Stamp{}}, false, false, false, false},
		{partition.Condition{IfPresent: true, IfStamp: []partition.Stamp{stamp}}, false, false, true, false},
		{partition.Condition{IfAbsent: true, IfPresent: true}, false, false, false, false},
	} {
		name := fmt.Sprintf("%+v", x.condition)
		if got := x.condition.Always(); got != x.always {
			t.Errorf("%s: got always %v, want %v", name, got, x.always)
		}
		for _, key := range []struct {
			name  string
			found bool
			stamp partition.Stamp
			want  bool
		}{
			{"no value", false, 0, x.absent},
			{"no value, a tombstone of that stamp", false, stamp, x.absent},
			{"a value of that stamp", true, stamp, x.at},
			{"a value of another stamp", true, stamp + 1, x.other},
		} {
			if got := x.condition.Holds(key.found, key.stamp); got != key.want {
				t.Errorf("%s on %s: got %v, want %v", name, key.name, got, key.want)
			}
		}
	}
}
