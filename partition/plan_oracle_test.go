package partition_test

import (
	"slices"

	"pipelinedht/partition"
)

// The oracles here are as dumb as they can be: they try everything.

// choice is one way to fill a row: which nodes count one more, and at what price.
type choice struct {
	nodes []int
	price int
}

// cheapest returns the lowest price of one choice a row after which the counts of
// all nodes are equal to within one. It walks the rows and keeps, for every count
// of places by node that can be reached, the lowest price.
func cheapest(nodes int, rows [][]choice) int {
	type counts [8]int8
	total := 0
	for _, choices := range rows {
		total += len(choices[0].nodes)
	}
	floor, full := int8(total/nodes), int8((total+nodes-1)/nodes)
	prices := map[counts]int{{}: 0}
	for _, choices := range rows {
		next := map[counts]int{}
		for at, price := range prices {
			for _, c := range choices {
				to, fits := at, true
				for _, n := range c.nodes {
					to[n]++
					fits = fits && to[n] <= full
				}
				if old, known := next[to]; fits && (!known || price+c.price < old) {
					next[to] = price + c.price
				}
			}
		}
		prices = next
	}
	best := -1
	for at, price := range prices {
		if slices.Min(at[:nodes]) >= floor && (best < 0 || price < best) {
			best = price
		}
	}
	return best
}

// fewestMoves returns how many copies must come to new places in any balanced
// table, from the targets before.
func fewestMoves(eligible []partition.NodeID, wanted int, before [][]partition.NodeID) int {
	var sets [][]int
	for bits := range 1 << len(eligible) {
		var set []int
		for n := range eligible {
			if bits>>n&1 == 1 {
				set = append(set, n)
			}
		}
		if len(set) == wanted {
			sets = append(sets, set)
		}
	}
	rows := make([][]choice, len(before))
	for p := range before {
		for _, set := range sets {
			c := choice{nodes: set}
			for _, n := range set {
				if !slices.Contains(before[p], eligible[n]) {
					c.price++
				}
			}
			rows[p] = append(rows[p], c)
		}
	}
	return cheapest(len(eligible), rows)
}

// fewestHandovers returns how many handovers (see there) any balanced choice of
// primaries has for the copies in targets.
func fewestHandovers(eligible []partition.NodeID, table []partition.Row, before, targets [][]partition.NodeID) int {
	rows := make([][]choice, len(targets))
	for p, target := range targets {
		for i, id := range target {
			first := slices.Concat([]partition.NodeID{id}, target[:i], target[i+1:])
			c := choice{nodes: []int{slices.Index(eligible, id)}}
			if handover(table[p].InSync, before[p], first) {
				c.price = 1
			}
			rows[p] = append(rows[p], c)
		}
	}
	return cheapest(len(eligible), rows)
}

// handovers counts the partitions whose role of primary moves though that could
// be avoided.
func handovers(table []partition.Row, before, targets [][]partition.NodeID) int {
	n := 0
	for p := range targets {
		if handover(table[p].InSync, before[p], targets[p]) {
			n++
		}
	}
	return n
}

// handover reports whether target makes a new node preferred primary though the
// old one keeps its copy, or one without a copy in sync though another has one.
func handover(inSync, before, target []partition.NodeID) bool {
	if len(before) > 0 && slices.Contains(target, before[0]) {
		return target[0] != before[0]
	}
	ready := func(id partition.NodeID) bool { return slices.Contains(inSync, id) }
	return !ready(target[0]) && slices.ContainsFunc(target, ready)
}

// movesNeeded returns what the counts alone demand: what nodes lack that have
// less than they must have in the end. No table can do with fewer moves; the rule
// of one copy a node may, in very small tables, demand more.
func movesNeeded(eligible []partition.NodeID, wanted int, before [][]partition.NodeID) int {
	count := map[partition.NodeID]int{}
	for _, target := range before {
		for _, id := range target {
			count[id]++
		}
	}
	floor, extra := wanted*len(before)/len(eligible), wanted*len(before)%len(eligible)
	need := 0
	for _, id := range eligible {
		if count[id] < floor {
			need += floor - count[id]
		} else if count[id] > floor {
			extra--
		}
	}
	return need + max(extra, 0)
}
