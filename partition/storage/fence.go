package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// fence is the file system that Pebble is given.
//
// Pebble answers a failed write or fsync with a panic, with a fatal log line
// after which it must not go on, or by trying again on top of a write of unknown
// fate. So it is not told: the first failure throws the failure switch and seems
// to have succeeded, and from then on every change is dropped while it seems to
// succeed. The disk stays as it was at that moment. This is safe because nothing
// that Pebble says is passed on without a look at the switch.
type fence struct {
	vfs.FS
	failure  *failure
	progress *progress
}

// file opens a file for writing, or one whose content goes nowhere.
func (f fence) file(name string, open func() (vfs.File, error)) (vfs.File, error) {
	var inner vfs.File
	f.failure.attempt(func() (err error) { inner, err = open(); return err })
	if inner == nil {
		inner = vfs.NewMemFile(nil)
	}
	return fencedFile{writeAhead(inner, name), f.failure, f.progress.follow(name)}, nil
}

func (f fence) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.file(name, func() (vfs.File, error) { return f.FS.Create(name, c) })
}

func (f fence) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	return f.file("", func() (vfs.File, error) { return f.FS.OpenReadWrite(name, c, o...) })
}

func (f fence) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	return f.file(name, func() (vfs.File, error) { return f.FS.ReuseForWrite(old, name, c) })
}

func (f fence) OpenDir(name string) (vfs.File, error) {
	return f.file("", func() (vfs.File, error) { return f.FS.OpenDir(name) })
}

func (f fence) Link(old, name string) error {
	f.failure.attempt(func() error { return f.FS.Link(old, name) })
	return nil
}

func (f fence) Rename(old, name string) error {
	f.failure.attempt(func() error { return f.FS.Rename(old, name) })
	return nil
}

func (f fence) MkdirAll(dir string, perm os.FileMode) error {
	f.failure.attempt(func() error { return f.FS.MkdirAll(dir, perm) })
	return nil
}

// Remove is of what is not needed any more: its failure harms nothing.
func (f fence) Remove(name string) error {
	if f.failure.thrown() {
		return nil
	}
	return f.FS.Remove(name)
}

// RemoveAll is like Remove.
func (f fence) RemoveAll(name string) error {
	if f.failure.thrown() {
		return nil
	}
	return f.FS.RemoveAll(name)
}

// Lock reports ErrLocked where the lock is held. That is everything but an error
// about the file itself: fcntl's EAGAIN or EACCES from another process, and an
// error without a type from this one.
func (f fence) Lock(name string) (io.Closer, error) {
	l, err := f.FS.Lock(name)
	var path *fs.PathError
	var number syscall.Errno
	switch {
	case err == nil:
		return l, nil
	case errors.As(err, &path):
	case errors.As(err, &number) && number != syscall.EAGAIN && number != syscall.EACCES:
	default:
		return nil, fmt.Errorf("%w (%w)", ErrLocked, err)
	}
	return nil, err
}

// Unwrap serves vfs.Root.
func (f fence) Unwrap() vfs.FS { return f.FS }

// fencedFile is a file open for writing, or a directory.
type fencedFile struct {
	vfs.File
	failure *failure
	written *written // nil: not followed
}

func (f fencedFile) Write(p []byte) (int, error) {
	f.failure.attempt(func() error { _, err := f.File.Write(p); return err })
	f.written.wrote(len(p))
	return len(p), nil
}

func (f fencedFile) WriteAt(p []byte, off int64) (int, error) {
	f.failure.attempt(func() error { _, err := f.File.WriteAt(p, off); return err })
	return len(p), nil
}

// Preallocate is but a hint, which some file systems refuse.
func (f fencedFile) Preallocate(off, length int64) error {
	if f.failure.thrown() {
		return nil
	}
	return f.File.Preallocate(off, length)
}

func (f fencedFile) Sync() error {
	f.written.durable(f.failure, f.File.Sync)
	return nil
}

func (f fencedFile) SyncData() error {
	f.written.durable(f.failure, f.File.SyncData)
	return nil
}

func (f fencedFile) SyncTo(length int64) (full bool, err error) {
	f.failure.attempt(func() (err error) { full, err = f.File.SyncTo(length); return err })
	return full, nil
}

func (f fencedFile) Close() error {
	if err := f.File.Close(); err != nil {
		f.failure.fail(err)
	}
	return nil
}
