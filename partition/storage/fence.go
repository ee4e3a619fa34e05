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

// fence is the file system that Pebble is given. It refuses every change once
// the store has failed: Pebble would try again, on top of a write of unknown
// fate, and delete what it takes for superseded. It also tells a lock that
// another process holds from other errors.
type fence struct {
	vfs.FS
	failure *failure
}

func (f fence) file(inner vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return nil, err
	}
	return fencedFile{inner, f.failure}, nil
}

func (f fence) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.failure.err(); err != nil {
		return nil, err
	}
	return f.file(f.FS.Create(name, c))
}

func (f fence) OpenReadWrite(name string, c vfs.DiskWriteCategory, o ...vfs.OpenOption) (vfs.File, error) {
	if err := f.failure.err(); err != nil {
		return nil, err
	}
	return f.file(f.FS.OpenReadWrite(name, c, o...))
}

func (f fence) ReuseForWrite(old, name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	if err := f.failure.err(); err != nil {
		return nil, err
	}
	return f.file(f.FS.ReuseForWrite(old, name, c))
}

func (f fence) OpenDir(name string) (vfs.File, error) { return f.file(f.FS.OpenDir(name)) }

func (f fence) Link(old, name string) error {
	return f.change(func() error { return f.FS.Link(old, name) })
}

func (f fence) Rename(old, name string) error {
	return f.change(func() error { return f.FS.Rename(old, name) })
}

func (f fence) Remove(name string) error {
	return f.change(func() error { return f.FS.Remove(name) })
}

func (f fence) RemoveAll(name string) error {
	return f.change(func() error { return f.FS.RemoveAll(name) })
}

func (f fence) MkdirAll(dir string, perm os.FileMode) error {
	return f.change(func() error { return f.FS.MkdirAll(dir, perm) })
}

func (f fence) change(do func() error) error {
	if err := f.failure.err(); err != nil {
		return err
	}
	return do()
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
}

func (f fencedFile) Write(p []byte) (int, error) {
	if err := f.failure.err(); err != nil {
		return 0, err
	}
	return f.File.Write(p)
}

func (f fencedFile) WriteAt(p []byte, off int64) (int, error) {
	if err := f.failure.err(); err != nil {
		return 0, err
	}
	return f.File.WriteAt(p, off)
}

func (f fencedFile) Sync() error {
	if err := f.failure.err(); err != nil {
		return err
	}
	return f.File.Sync()
}

func (f fencedFile) SyncData() error {
	if err := f.failure.err(); err != nil {
		return err
	}
	return f.File.SyncData()
}

func (f fencedFile) SyncTo(length int64) (bool, error) {
	if err := f.failure.err(); err != nil {
		return false, err
	}
	return f.File.SyncTo(length)
}

func (f fencedFile) Preallocate(off, length int64) error {
	if err := f.failure.err(); err != nil {
		return err
	}
	return f.File.Preallocate(off, length)
}
