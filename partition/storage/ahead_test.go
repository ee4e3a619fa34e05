package storage_test

import (
	"strings"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// writeOften makes small changes of a store, one by one, and has their fsyncs counted.
func writeOften(t *testing.T, s *storage.Store, syncs *logSyncs, commits int) {
	t.Helper()
	slot := create(t, s, 1, 7)
	syncs.all, syncs.grown = 0, 0
	for i := range partition.Seq(commits) {
		commit(t, s, func(b *storage.Batch) { b.Append(slot, put(1, i+1, "key", "value"), i) })
	}
}

// logSyncs counts the fsyncs of logs on a file system, and those of them that find the
// file of another size than the last one did.
type logSyncs struct {
	fs         vfs.FS
	size       int64
	all, grown int
}

func (l *logSyncs) MaybeError(op errorfs.Op) error {
	if op.Kind == errorfs.OpFileSyncData && strings.HasSuffix(op.Path, ".log") {
		info, err := l.fs.Stat(op.Path)
		if err != nil {
			return err
		}
		if l.all++; info.Size() != l.size {
			l.size = info.Size()
			l.grown++
		}
	}
	return nil
}

func (l *logSyncs) String() string { return "log syncs" }

func TestAnFsyncSeldomFindsThatTheLogHasGrown(t *testing.T) {
	const commits = 1000
	mem := vfs.NewMem()
	syncs := &logSyncs{fs: mem}
	s := open(t, errorfs.Wrap(mem, syncs))
	writeOften(t, s, syncs, commits)
	if syncs.all < commits || syncs.grown > commits/100 {
		t.Errorf("%d of %d fsyncs found another size; want at least %d, of which one in a hundred at most", syncs.grown, syncs.all, commits)
	}
}

// Zeros for which there is no room are done without.
func TestALogGrowsByItselfWhereItCannotBeWrittenAhead(t *testing.T) {
	const commits = 100
	mem := vfs.NewMem()
	syncs := &logSyncs{fs: mem}
	full := errorfs.InjectorFunc(func(op errorfs.Op) error {
		if op.Kind == errorfs.OpFileWriteAt {
			return syscall.ENOSPC
		}
		return syncs.MaybeError(op)
	})
	s := open(t, errorfs.Wrap(mem, full))
	writeOften(t, s, syncs, commits)
	if syncs.all < commits || syncs.grown < commits {
		t.Errorf("%d of %d fsyncs found another size, want %d", syncs.grown, syncs.all, commits)
	}
}
