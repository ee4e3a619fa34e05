package main

import "runtime"

// diskWaits is how many threads of a node with a data directory wait for the disk nearly
// always while it is written to: the one that makes the store's log durable.
const diskWaits = 1

// runBesideDisk has Go run as many threads beside those that wait for the disk as it
// would without them, unless the environment says how many. A thread in a system call
// counts as one that runs, until the scheduler finds that it lasts and has another one
// take its place: with an fsync in each batch it is always on the look-out, finds it
// late, and switches threads twice.
func (p *program) runBesideDisk() {
	if _, set := p.lookup("GOMAXPROCS"); set {
		return
	}
	runtime.SetDefaultGOMAXPROCS()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + diskWaits)
}
