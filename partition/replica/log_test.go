package replica

import (
	"testing"

	"pgregory.net/rapid"

	"pipelinedht/partition"
)

// history draws labels that follow prefix: sequences without a gap, terms that
// never fall and are above floor where they are new.
func history(t *rapid.T, name string, prefix []partition.Label, floor partition.Term) []partition.Label {
	log := append([]partition.Label(nil), prefix...)
	term := floor
	for range rapid.IntRange(0, 12).Draw(t, name+" entries") {
		if rapid.IntRange(0, 3).Draw(t, name+" new term") == 0 {
			term++
		}
		log = append(log, partition.Label{Term: term, Seq: partition.Seq(len(log) + 1)})
	}
	return log
}

// positionOf is a log's position once its first records were trimmed.
func positionOf(log []partition.Label, trimmed int) position {
	p := position{start: 1}
	for _, l := range log {
		p.add(&partition.LogRecord{Label: l})
	}
	if trimmed > 0 {
		p.trim(partition.Seq(trimmed))
	}
	return p
}

// TestCommonPointIsTheLastSharedLabel compares two logs that were one up to some
// point with a search through all their labels.
func TestCommonPointIsTheLastSharedLabel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shared := history(t, "shared", nil, 1)
		// Two primaries never have the same term, so the terms after the fork differ.
		logA := history(t, "a", shared, 100)
		logB := history(t, "b", shared, 200)
		cutA := rapid.IntRange(0, len(logA)).Draw(t, "a trimmed")
		cutB := rapid.IntRange(0, len(logB)).Draw(t, "b trimmed")
		a, b := positionOf(logA, cutA), positionOf(logB, cutB)

		var want partition.Label
		found := cutA == 0 && cutB == 0
		for i := range min(len(logA), len(logB)) {
			if logA[i] == logB[i] && i+1 >= cutA && i+1 >= cutB {
				want, found = logA[i], true
			}
		}
		got, ok := common(&a, &b)
		if ok != found || ok && got != want {
			t.Fatalf("common(%+v, %+v): got %v, %v, want %v, %v", a, b, got, ok, want, found)
		}
	})
}

func TestLabelOfAnyPlaceInTheLog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := history(t, "log", nil, 1)
		trimmed := rapid.IntRange(0, len(log)).Draw(t, "trimmed")
		keep := rapid.IntRange(trimmed, len(log)).Draw(t, "kept")
		p := positionOf(log, trimmed)
		var last partition.Label
		if keep > 0 {
			last = log[keep-1]
		}
		p.cut(last)
		for seq := range partition.Seq(len(log) + 2) {
			got, ok := p.label(seq)
			want := int(seq) >= trimmed && int(seq) <= keep
			if ok != want || ok && seq > 0 && got != log[seq-1] {
				t.Fatalf("label(%d) of %+v, trimmed %d, cut after %d: got %v, %v", seq, p, trimmed, keep, got, ok)
			}
		}
	})
}
