package host_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
)

// noise returns a value that does not compress and takes a block of its own.
func noise(seed int) string {
	buf := make([]byte, 16<<10)
	rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(buf)
	return string(buf)
}

// flip changes one bit in the middle of the largest table of a stopped node.
func flip(t *testing.T, fs *vfs.MemFS) {
	t.Helper()
	flipAt(t, fs, 1, 2)
}

// flipAt is flip at that fraction of the table.
func flipAt(t *testing.T, fs *vfs.MemFS, numerator, denominator int) {
	t.Helper()
	files, err := fs.List("data")
	if err != nil {
		t.Fatal(err)
	}
	var largest []byte
	for _, file := range files {
		if !strings.HasSuffix(file, ".sst") {
			continue
		}
		content, err := fs.UnsafeGetFileDataBuffer(fs.PathJoin("data", file))
		if err != nil {
			t.Fatal(err)
		}
		if len(content) > len(largest) {
			largest = content
		}
	}
	if len(largest) == 0 {
		t.Fatal("the node has no tables")
	}
	largest[len(largest)*numerator/denominator] ^= 1
}

// Whatever reads a damaged record, the copy is replaced and the reader gets what
// another copy has.
func TestACopyFoundDamagedIsReplacedAndItsReadsAreAnswered(t *testing.T) {
	const keys = 48
	for name, read := range map[string]func(w *world){
		"by reads through every node": func(w *world) {
			for i := range keys {
				w.expect(id(1+i%3), fmt.Sprint("key", i), noise(i))
			}
		},
		"by conditional writes": func(w *world) {
			for i := range keys {
				_, _, err := w.node(1).Write(context.Background(), partition.Op{
					Kind: partition.OpPut, Key: fmt.Append(nil, "key", i), Condition: partition.Condition{IfAbsent: true},
				})
				if err != nil {
					w.t.Errorf("key %d: %v", i, err)
				}
			}
		},
		"by listings": func(w *world) {
			for n := range id(3) {
				if err := w.node(1+n).Keys(context.Background(), func([]byte) bool { return true }); err != nil {
					w.t.Error(err)
				}
			}
		},
		"by a transfer": func(w *world) {
			w.council.retarget(func(int) []partition.NodeID { return []partition.NodeID{2, 1, 4} })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, 2, 3, 1, 2, 3, 4)
				defer w.close()
				w.council.retarget(func(int) []partition.NodeID { return []partition.NodeID{2, 1, 3} })
				w.settle(5 * time.Second)
				for i := range keys {
					w.put(1, fmt.Sprint("key", i), noise(i))
				}
				w.start(2, w.kill(2), 2) // which makes tables of its log
				w.settle(20 * time.Second)
				fs := w.kill(2)
				flip(t, fs)
				w.start(2, fs, 3)
				w.settle(20 * time.Second)
				read(w)
				w.wait(10*time.Second, "the damage is found", func() bool { return w.node(2).Status().Damages > 0 })
				w.wait(20*time.Second, "the copy is replaced", func() bool { return w.node(2).Status().Damaged == 0 })
				w.settle(20 * time.Second)
				for i := range keys {
					w.expect(id(1+i%3), fmt.Sprint("key", i), noise(i))
				}
				w.equal(1, 2)
			})
		})
	}
}

func TestTheOnlyCopyRefusesWhatIsDamagedAndServesTheRest(t *testing.T) {
	const keys = 24
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1, 1, 1)
		defer w.close()
		for i := range keys {
			w.put(1, fmt.Sprint("key", i), noise(i))
		}
		w.start(1, w.kill(1), 2)
		w.expect(1, "key1", noise(1))
		fs := w.kill(1)
		flip(t, fs)
		w.start(1, fs, 3)
		refused := 0
		for i := range keys {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			res, err := w.node(1).Get(ctx, fmt.Append(nil, "key", i))
			cancel()
			switch {
			case err != nil && strings.Contains(err.Error(), "damaged"):
				refused++
			case err != nil || string(res.Record.Value) != noise(i):
				t.Errorf("key %d: found %t, %v", i, res.Found, err)
			}
			res.Close()
		}
		if refused == 0 || refused > 2 {
			t.Errorf("%d keys refused, want those of the damaged block", refused)
		}
		w.put(1, "key99", "still written")
		w.expect(1, "key99", "still written")
	})
}

// Where one copy is found damaged, the others in the same table are read through:
// a follower's would not be read by anybody before it is needed.
func TestDamageThatNobodyReadsIsFoundToo(t *testing.T) {
	const keys = 48
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 2, 3, 1, 2, 3)
		defer w.close()
		w.council.retarget(func(p int) []partition.NodeID { return []partition.NodeID{2 - id(p), 1 + id(p), 3} })
		w.settle(5 * time.Second)
		for i := range keys {
			w.put(1, fmt.Sprint("key", i), noise(i))
		}
		w.start(2, w.kill(2), 2)
		w.settle(20 * time.Second)
		fs := w.kill(2)
		flipAt(t, fs, 1, 4)
		flipAt(t, fs, 3, 4)
		w.start(2, fs, 3)
		w.settle(20 * time.Second)
		for i := range keys {
			w.expect(1, fmt.Sprint("key", i), noise(i))
		}
		w.wait(30*time.Second, "both copies are found damaged", func() bool { return w.node(2).Status().Damages == 2 })
		w.wait(20*time.Second, "both are replaced", func() bool { return w.node(2).Status().Damaged == 0 })
		w.settle(20 * time.Second)
		w.equal(1, 2)
	})
}
