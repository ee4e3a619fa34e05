package host

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
)

// disk is a file system whose syncs take their time, and may fail.
type disk struct {
	vfs.FS
	delay  atomic.Int64 // of a sync, in nanoseconds
	broken atomic.Bool  // syncs fail
}

func newDisk(delay time.Duration) *disk {
	d := &disk{FS: vfs.NewMem()}
	d.delay.Store(int64(delay))
	return d
}

func (d *disk) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.Create(name, c)
	return diskFile{f, d}, err
}

func (d *disk) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := d.FS.ReuseForWrite(old, name, c)
	return diskFile{f, d}, err
}

type diskFile struct {
	vfs.File
	disk *disk
}

var errBroken = errors.New("input/output error")

func (f diskFile) wait() error {
	time.Sleep(time.Duration(f.disk.delay.Load()))
	if f.disk.broken.Load() {
		return errBroken
	}
	return nil
}

func (f diskFile) Sync() error     { return errors.Join(f.File.Sync(), f.wait()) }
func (f diskFile) SyncData() error { return errors.Join(f.File.SyncData(), f.wait()) }

func (f diskFile) SyncTo(n int64) (bool, error) {
	full, err := f.File.SyncTo(n)
	return full, errors.Join(err, f.wait())
}

func write(h *Host, key string) error {
	_, _, err := h.Write(context.Background(), partition.Op{Kind: partition.OpPut, Key: []byte(key), Value: []byte("v")})
	return err
}

func alone() *fixed { return &fixed{m: ledBy(1, 1), changed: make(chan struct{})} }

func TestWritesThatWaitShareAnFsync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const fsync = 5 * time.Millisecond
		h, closeAll := openOn(t, newDisk(fsync), &script{}, alone(), nil)
		defer closeAll()
		if err := write(h, "first"); err != nil { // makes the copy
			t.Fatal(err)
		}
		began := time.Now()
		var wg sync.WaitGroup
		for i := range 300 {
			wg.Go(func() {
				if err := write(h, fmt.Sprint("key", i)); err != nil {
					t.Error(err)
				}
				if took := time.Since(began); took < fsync {
					t.Errorf("acknowledged after %v, before any fsync", took)
				}
			})
		}
		wg.Wait()
		if took := time.Since(began); took > 4*fsync {
			t.Errorf("300 writes took %v, with an fsync of %v", took, fsync)
		}
	})
}

func TestAFailedCommitIsFatalAndAcknowledgesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(time.Millisecond)
		var told atomic.Int32
		h, closeAll := openOn(t, d, &script{}, alone(), func(c *Config) {
			c.Fatal = func(error) { told.Add(1) }
		})
		defer closeAll()
		if err := write(h, "first"); err != nil {
			t.Fatal(err)
		}
		d.broken.Store(true)
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				// One that comes after the first has failed is not taken.
				if err := write(h, fmt.Sprint("key", i)); !errors.Is(err, partition.ErrUnavailable) {
					wantOnly(t, err, partition.ErrUnknown)
				}
			})
		}
		wg.Wait()
		synctest.Wait()
		if told.Load() != 1 {
			t.Errorf("Fatal was told %d times", told.Load())
		}
		_, err := h.Get(t.Context(), []byte("first"))
		wantOnly(t, err, partition.ErrUnavailable)
		wantOnly(t, write(h, "later"), partition.ErrUnavailable)
	})
}

func TestADiskThatHangsIsFatal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(0)
		var told atomic.Pointer[error]
		h, closeAll := openOn(t, d, &script{}, alone(), func(c *Config) {
			c.Timeout = time.Minute
			c.Fatal = func(err error) { told.Store(&err) }
		})
		defer closeAll()
		if err := write(h, "first"); err != nil {
			t.Fatal(err)
		}
		d.delay.Store(int64(30 * time.Second))
		began := time.Now()
		wantOnly(t, write(h, "second"), partition.ErrUnknown)
		if took := time.Since(began); took < 9*time.Second || took > 12*time.Second {
			t.Errorf("told after %v, want about 10s", took)
		}
		if err := told.Load(); err == nil || !errors.Is(*err, errHangs) {
			t.Errorf("Fatal was told %v, want %v", err, errHangs)
		}
	})
}

func TestCloseTellsThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(0)
		h, closeAll := openOn(t, d, &script{}, alone(), nil)
		if err := write(h, "first"); err != nil {
			t.Fatal(err)
		}
		d.delay.Store(int64(time.Second))
		var wg sync.WaitGroup
		wg.Go(func() { wantOnly(t, write(h, "key"), partition.ErrUnknown) })
		time.Sleep(100 * time.Millisecond)
		closeAll()
		wg.Wait()
		wantOnly(t, write(h, "key"), partition.ErrUnavailable)
	})
}

func TestAFullPartitionTurnsWritesAwayAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDisk(0)
		h, closeAll := openOn(t, d, &script{}, alone(), func(c *Config) {
			c.Limits.PartitionBytes = 1000
			c.Timeout = time.Second
		})
		defer closeAll()
		if err := write(h, "first"); err != nil {
			t.Fatal(err)
		}
		d.delay.Store(int64(5 * time.Second))
		var wg sync.WaitGroup
		var refused, unknown atomic.Int32
		for i := range 20 {
			wg.Go(func() {
				switch err := write(h, fmt.Sprint("key", i)); {
				case errors.Is(err, partition.ErrUnknown):
					unknown.Add(1)
				case errors.Is(err, partition.ErrUnavailable):
					refused.Add(1)
				default:
					t.Errorf("key%d: %v", i, err)
				}
			})
		}
		wg.Wait()
		if unknown.Load() != 7 || refused.Load() != 13 { // of 132 bytes each
			t.Errorf("%d accepted, %d refused; want 7, 13", unknown.Load(), refused.Load())
		}
		d.delay.Store(0)
		time.Sleep(10 * time.Second)
		if err := write(h, "later"); err != nil {
			t.Error(err)
		}
		if s := h.Status(); s.Waiting != 0 || s.WaitingBytes != 0 {
			t.Errorf("%d operations of %d bytes still wait", s.Waiting, s.WaitingBytes)
		}
	})
}
