package main

import (
	"runtime"
	"testing"
)

func TestThreadsThatAreHeldUpTakeNobodysPlace(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	runtime.SetDefaultGOMAXPROCS()
	usual := runtime.GOMAXPROCS(0)
	environment := map[string]string{}
	p := &program{lookup: func(name string) (string, bool) { v, ok := environment[name]; return v, ok }}
	for range 2 { // a second node in the process adds nothing
		p.runSpareThreads()
		if got, want := runtime.GOMAXPROCS(0), usual+spareThreads; got != want {
			t.Errorf("Go runs %d threads, want %d", got, want)
		}
	}
	runtime.GOMAXPROCS(3)
	environment["GOMAXPROCS"] = "3"
	if p.runSpareThreads(); runtime.GOMAXPROCS(0) != 3 {
		t.Errorf("Go runs %d threads, want the 3 that the environment says", runtime.GOMAXPROCS(0))
	}
}
