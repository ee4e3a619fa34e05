// Package chaos_test breaks clusters of real processes while clients use them,
// and judges what the clients were told.
//
//	cluster     the nodes, and who of them may be asked
//	network     the wires between them
//	failpoint   the faults
//	traffic     the clients
//	report      what runs did and found, as a table
//
// A run is one cluster with traffic from its start to its end, and one fault
// after another in between. All of a run follows from its seed, but for the
// scheduling of the processes. The run that comes after another one in the same
// test has the next seed, so any run can be repeated as the first one.
package chaos_test

import (
	"flag"
	"testing"
	"time"

	"pipelinedht/tests/harness"
)

var (
	timeFlag   = flag.Duration("chaos.time", 45*time.Second, "begin another run until this has passed")
	runFlag    = flag.Duration("chaos.run", 40*time.Second, "begin another fault in a run until this has passed")
	faultFlag  = flag.String("chaos.fault", "", "only faults whose name contains this")
	overFlag   = flag.Duration("chaos.failover", 0, "a failover that takes longer is a violation, on a machine that is not busy; 0: none is")
	keepFlag   = flag.String("chaos.keep", "", "directory where failing runs keep logs, data and history; the system's for temporary files")
	reportFlag = flag.String("chaos.report", "", "file to append a line of JSON to for each run")
)

func TestMain(m *testing.M) { harness.Main(m) }
