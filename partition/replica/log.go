package replica

import (
	"slices"

	"pipelinedht/partition"
)

// position is where a copy's log stands, kept in memory without its records.
type position struct {
	last  partition.Label
	start partition.Seq         // of the oldest record; last.Seq+1 if there is none
	terms []partition.TermStart // ascending; the first covers start-1
	stamp partition.Stamp       // the highest given, imports excepted
}

// label returns the label at seq, if the log reaches there.
func (p *position) label(seq partition.Seq) (partition.Label, bool) {
	if seq > p.last.Seq || seq+1 < p.start {
		return partition.Label{}, false
	}
	if seq == 0 {
		return partition.Label{}, true
	}
	for i := len(p.terms) - 1; i >= 0; i-- {
		if p.terms[i].First <= seq {
			return partition.Label{Term: p.terms[i].Term, Seq: seq}, true
		}
	}
	return partition.Label{}, false
}

// add takes in the record after the last one.
func (p *position) add(r *partition.LogRecord) {
	if len(p.terms) == 0 || p.terms[len(p.terms)-1].Term != r.Label.Term {
		p.terms = append(p.terms, partition.TermStart{Term: r.Label.Term, First: r.Label.Seq})
	}
	p.last = r.Label
	if !r.Import {
		p.stamp = max(p.stamp, r.Stamp)
	}
}

// cut forgets the records after l, which the log must have.
func (p *position) cut(l partition.Label) {
	p.last = l
	for len(p.terms) > 0 && p.terms[len(p.terms)-1].First > l.Seq {
		p.terms = p.terms[:len(p.terms)-1]
	}
}

// trim forgets the records up to and including seq.
func (p *position) trim(seq partition.Seq) {
	p.start = seq + 1
	for len(p.terms) > 1 && p.terms[1].First <= seq {
		p.terms = p.terms[1:]
	}
}

// common returns the last label that two logs share, as Kafka finds it by leader
// epochs (KIP-101, KIP-279); false where they share none that both still know.
// Equal labels mean equal logs before them, so the latest term that both have
// decides.
func common(a, b *position) (partition.Label, bool) {
	if a.start == 1 && b.start == 1 && (a.last.Seq == 0 || b.last.Seq == 0) {
		return partition.Label{}, true
	}
	for i := len(a.terms) - 1; i >= 0; i-- {
		t := a.terms[i].Term
		j := slices.IndexFunc(b.terms, func(s partition.TermStart) bool { return s.Term == t })
		if j < 0 {
			continue
		}
		seq := min(a.end(i), b.end(j))
		la, okA := a.label(seq)
		lb, okB := b.label(seq)
		return la, okA && okB && la == lb
	}
	if a.start == 1 && b.start == 1 {
		return partition.Label{}, true
	}
	return partition.Label{}, false
}

// end returns the last sequence of the i-th term.
func (p *position) end(i int) partition.Seq {
	if i+1 < len(p.terms) {
		return p.terms[i+1].First - 1
	}
	return p.last.Seq
}
