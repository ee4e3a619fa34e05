// Package report is what chaos runs did and found, as lines of JSON that can be
// gathered over many runs, and as a table.
package report

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Run is one cluster from its start to its end.
type Run struct {
	Seed       uint64
	Nodes      int
	Storage    string // disk or memory
	Wires      string // what the nodes reach each other by: direct, proxies or packets
	Partitions int
	Took       time.Duration

	Faults     []Fault
	Done       int // requests that were answered
	Failed     int // that surely had no effect: 503, or no connection
	Unknown    int // that may have had one: 504, or a connection that broke
	Operations int // in the histories of registers
	Registers  int // keys whose history was judged
	Once       int // keys that were written once and acknowledged
	Violations []string
}

// Fault is one fault of a run.
type Fault struct {
	Name       string
	Settled    bool          // the cluster was settled when it began
	Took       time.Duration // until it had ended
	FailedWell int           // requests that failed through nodes without a fault
	Failover   *Failover     `json:",omitempty"`
}

// Failover is how long the partitions that a victim led went without an answer.
type Failover struct {
	Partitions int
	Median     time.Duration // of the partitions
	Last       time.Duration // until all were answered
	Failed     int           // probes through nodes without a fault that failed
}

// Append adds the run to a file, as a line.
func Append(path string, r *Run) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	_, err = f.Write(append(line, '\n'))
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// Read returns the runs of a file.
func Read(path string) ([]*Run, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var runs []*Run
	for in := json.NewDecoder(f); in.More(); {
		r := new(Run)
		if err := in.Decode(r); err != nil {
			return nil, fmt.Errorf("%s: run %d: %w", path, len(runs)+1, err)
		}
		runs = append(runs, r)
	}
	return runs, nil
}
