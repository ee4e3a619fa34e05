// Package partition holds the values that every other package speaks of (node
// and partition numbers, peers, the map and its table, entries, records and
// operations) and the pure functions over them (Of, Plan).
//
// It knows no disk, network, clock or goroutine, and imports nothing of this
// module. All values are immutable once shared: a new Map is made, never an old
// one edited, so readers need no lock.
package partition
