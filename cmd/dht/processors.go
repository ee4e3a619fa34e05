package main

import "runtime"

// spareThreads is how many threads of a busy node are held up nearly always while Go
// takes them for running: the one that makes the store's log durable, or one that the
// kernel has taken off its processor as it sent an answer, for the program it woke.
const spareThreads = 1

// runSpareThreads has Go run as many threads beside those that are held up as it would
// without them, unless the environment says how many. Of a long system call the
// scheduler finds out late, and then switches threads twice; of the calls for sockets
// it is not told at all.
func (p *program) runSpareThreads() {
	if _, set := p.lookup("GOMAXPROCS"); set {
		return
	}
	runtime.SetDefaultGOMAXPROCS()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareThreads)
}
