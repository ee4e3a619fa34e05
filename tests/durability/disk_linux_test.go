package durability_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pipelinedht/tests/harness"
)

// smallDisk is a file system of 192 MiB, a real one, of which a test decides how
// much is left. Where it may not be mounted, the limit is on the size of the node's
// files instead: then it is as if the disk were full from the start, for whatever
// is larger.
type smallDisk struct {
	t       *testing.T
	dir     string
	mounted bool
}

const (
	smallDiskBytes = 192 << 20
	fileLimit      = 4 << 20
)

func newSmallDisk(t *testing.T) *smallDisk {
	t.Helper()
	d := &smallDisk{t: t, dir: harness.Dir(t, "disk")}
	err := unix.Mount("dht-test", d.dir, "tmpfs", 0, fmt.Sprintf("size=%d", smallDiskBytes))
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
		t.Log("not permitted to mount a file system: the node's files have a limit instead")
		return d
	}
	must(t, err)
	d.mounted = true
	// It is registered before the node's own, so it runs after that.
	t.Cleanup(func() { must(t, unix.Unmount(d.dir, unix.MNT_DETACH)) })
	return d
}

// node starts a durable node on the disk.
func (d *smallDisk) node(name string, args ...string) *harness.Node {
	d.t.Helper()
	spec := harness.Spec{Name: name, Durable: true, Dir: d.dir, Args: args}
	if !d.mounted {
		spec.Prefix = []string{"sh", "-c", fmt.Sprintf(`[ ! -e '%s' ] || ulimit -f %d; exec "$@"`, d.filler(), fileLimit/512), "sh"}
	}
	return harness.StartSpec(d.t, spec)
}

func (d *smallDisk) filler() string { return filepath.Join(d.dir, "filler") }

// fill leaves free bytes.
func (d *smallDisk) fill(free int64) {
	d.t.Helper()
	f, err := os.Create(d.filler())
	must(d.t, err)
	defer f.Close()
	chunk := make([]byte, 64<<10)
	for d.mounted {
		var s unix.Statfs_t
		must(d.t, unix.Fstatfs(int(f.Fd()), &s))
		left := int64(s.Bavail) * s.Bsize
		if left <= free {
			return
		}
		_, err := f.Write(chunk[:min(int64(len(chunk)), left-free)])
		if err != nil && !errors.Is(err, unix.ENOSPC) {
			d.t.Fatal(err)
		}
	}
}

// free makes space again.
func (d *smallDisk) free() {
	d.t.Helper()
	must(d.t, os.Remove(d.filler()))
}

// diskOf returns what a node says of its disk.
func diskOf(n *harness.Node) (disk struct {
	Free     int64 `json:"free"`
	ReadOnly bool  `json:"read_only"`
}, err error) {
	a, err := n.Do("GET", "/dht/status", nil)
	if err == nil {
		var status struct{ Disk any }
		status.Disk = &disk
		err = json.Unmarshal([]byte(a.Body), &status)
	}
	return disk, err
}

// A disk that fills up to the reserve: the node makes way, and nobody notices.
func TestANodeBelowItsReserveTakesNoValuesAndNoneFails(t *testing.T) {
	t.Parallel()
	d := newSmallDisk(t)
	if !d.mounted {
		// There is nothing that fills up: the reserve is as large as any disk.
		t.Log("the reserve is tried with a limit of its own: see the tests of cmd/internal/node")
	}
	full := d.node("peer1")
	nodes := []*harness.Node{full, harness.StartDurable(t, "peer2"), harness.StartDurable(t, "peer3")}
	must(t, nodes[1].Join(full.Contact()))
	must(t, nodes[2].Join(full.Contact()))
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes...)
	harness.AwaitSettled(t, nodes)
	w := startWriters(nodes, 0)
	w.awaitAcknowledged(t, 100)
	d.fill(8 << 20)
	if d.mounted {
		harness.Await(t, 30*time.Second, "peer1 is read-only and in no in-sync set", func() error {
			disk, err := diskOf(full)
			if err != nil || !disk.ReadOnly {
				return fmt.Errorf("disk: %+v, %w", disk, err)
			}
			ring, err := nodes[1].Ring()
			if err != nil {
				return err
			}
			if held := ring.Copies()["peer1"]; held > 0 {
				return fmt.Errorf("it holds %d copies", held)
			}
			return nil
		})
		if err := full.CheckReady(); err == nil {
			t.Error("peer1 says that it is ready")
		}
	}
	w.awaitAcknowledged(t, w.acks.Load()+200)
	d.free()
	w.awaitAcknowledged(t, w.acks.Load()+200)
	w.stop()
	harness.AwaitSettled(t, nodes)
	pairs = pairs.Union(w.verify(t, nodes))
	harness.Verify(t, pairs, nodes...)
}

// A disk that is really full: the node ends and says why, the others go on, and
// with space it comes back.
func TestANodeWhoseDiskIsFullEndsAndComesBack(t *testing.T) {
	t.Parallel()
	d := newSmallDisk(t)
	full := d.node("peer1", "--disk-reserve", "0")
	others := []*harness.Node{harness.StartDurable(t, "peer2"), harness.StartDurable(t, "peer3")}
	for _, n := range others {
		must(t, n.Join(full.Contact()))
	}
	nodes := append([]*harness.Node{full}, others...)
	pairs := harness.Numbered("key", 200)
	harness.Load(t, pairs, nodes...)
	harness.AwaitSettled(t, nodes)
	d.fill(0)
	if !d.mounted {
		full.Kill() // the limit holds from the start
		full.Launch(full.Port)
	}
	w := startWriters(nodes, 0)
	large := strings.Repeat("large ", 20<<10)
	for i := 0; full.WaitExit(10*time.Millisecond) != nil; i++ {
		if i == 3000 {
			t.Fatalf("peer1 goes on with a full disk; its log:\n%s", full.Log())
		}
		// So that the file of its log must grow.
		if key := fmt.Sprint("large", i); others[i%2].Put(key, large) == nil {
			pairs[key] = large
		}
	}
	if log := full.Log(); d.mounted && !strings.Contains(log, "no space left on device") {
		t.Errorf("peer1 does not say why it ended:\n%s", log)
	}
	w.awaitAcknowledged(t, w.acks.Load()+200) // by the others
	w.stop()
	d.free()
	full.Restart()
	harness.AwaitSettled(t, nodes)
	pairs = pairs.Union(w.verify(t, nodes))
	harness.Verify(t, pairs, nodes...)
}
