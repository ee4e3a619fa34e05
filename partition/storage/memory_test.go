package storage_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"pipelinedht/partition/storage"
)

// The memory file system is Pebble's own, whatever is done to it.
func TestMemoryIsAFileSystem(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &twins{ours: storage.NewMemory(), theirs: vfs.NewMem()}
		for _, dir := range twinDirs {
			w.both(r, "mkdir", func(fs vfs.FS) (any, error) { return nil, fs.MkdirAll(dir, 0o755) })
		}
		r.Repeat(rapid.StateMachineActions(w))
		for _, f := range w.open {
			f.ours.Close()
		}
	})
}

var (
	twinDirs  = []string{"a", "b"}
	twinNames = []string{"a/1.sst", "a/2.sst", "/a/1.sst", "a/x", "b/1.sst", "b/3.sst"}
)

// twins are two file systems to which the same is done.
type twins struct {
	ours, theirs vfs.FS
	open         []twinFiles
}

// twinFiles is one file, open in both file systems.
type twinFiles struct {
	ours, theirs vfs.File
	writing      bool
}

// both does one thing to both file systems.
func (w *twins) both(r *rapid.T, what string, f func(fs vfs.FS) (any, error)) {
	got, err := f(w.ours)
	want, wantErr := f(w.theirs)
	if fmt.Sprint(got) != fmt.Sprint(want) || (err == nil) != (wantErr == nil) {
		r.Fatalf("%s: %v, %v, want %v, %v", what, got, err, want, wantErr)
	}
}

func (w *twins) opened(r *rapid.T, writing bool, f func(fs vfs.FS) (vfs.File, error)) {
	a, err := f(w.ours)
	b, wantErr := f(w.theirs)
	if (err == nil) != (wantErr == nil) {
		r.Fatalf("opened: %v, want %v", err, wantErr)
	}
	if err == nil {
		w.open = append(w.open, twinFiles{a, b, writing})
	}
}

func name(r *rapid.T) string { return rapid.SampledFrom(twinNames).Draw(r, "name") }

func (w *twins) Create(r *rapid.T) {
	name := name(r)
	w.opened(r, true, func(fs vfs.FS) (vfs.File, error) { return fs.Create(name, vfs.WriteCategoryUnspecified) })
}

func (w *twins) Open(r *rapid.T) {
	name := name(r)
	w.opened(r, false, func(fs vfs.FS) (vfs.File, error) { return fs.Open(name) })
}

func (w *twins) Write(r *rapid.T) {
	i := slices.IndexFunc(w.open, func(f twinFiles) bool { return f.writing })
	if i < 0 {
		r.Skip("no file is open for writing")
	}
	p := bytes.Repeat([]byte{rapid.Byte().Draw(r, "byte")}, rapid.IntRange(0, 3<<20).Draw(r, "bytes"))
	n, err := w.open[i].ours.Write(p)
	m, wantErr := w.open[i].theirs.Write(p)
	if n != m || err != nil || wantErr != nil {
		r.Fatalf("wrote %d, %v, want %d, %v", n, err, m, wantErr)
	}
}

func (w *twins) Read(r *rapid.T) {
	for _, f := range w.open {
		if !f.writing {
			f.sameContent(r, rapid.Int64Range(0, 4<<20).Draw(r, "offset"), rapid.IntRange(1, 2<<20).Draw(r, "bytes"))
		}
	}
}

func (w *twins) Close(r *rapid.T) {
	if len(w.open) == 0 {
		r.Skip("nothing is open")
	}
	i := rapid.IntRange(0, len(w.open)-1).Draw(r, "file")
	if err, wantErr := w.open[i].ours.Close(), w.open[i].theirs.Close(); err != nil || wantErr != nil {
		r.Fatal(err, wantErr)
	}
	w.open = slices.Delete(w.open, i, i+1)
}

func (w *twins) Change(r *rapid.T) {
	a, b := name(r), name(r)
	switch what := rapid.SampledFrom([]string{"remove", "remove all", "rename", "link"}).Draw(r, "what"); what {
	case "remove":
		w.both(r, what, func(fs vfs.FS) (any, error) { return nil, fs.Remove(a) })
	case "remove all":
		w.both(r, what, func(fs vfs.FS) (any, error) { return nil, fs.RemoveAll("b") })
		w.both(r, what, func(fs vfs.FS) (any, error) { return nil, fs.MkdirAll("b", 0o755) })
	case "rename":
		w.both(r, what, func(fs vfs.FS) (any, error) { return nil, fs.Rename(a, b) })
	case "link":
		w.both(r, what, func(fs vfs.FS) (any, error) { return nil, fs.Link(a, b) })
	}
}

// Check compares names and sizes.
func (w *twins) Check(r *rapid.T) {
	for _, dir := range twinDirs {
		w.both(r, "list", func(fs vfs.FS) (any, error) {
			names, err := fs.List(dir)
			slices.Sort(names)
			return names, err
		})
	}
	for _, name := range twinNames {
		w.both(r, "stat "+name, func(fs vfs.FS) (any, error) {
			info, err := fs.Stat(name)
			if err != nil {
				return nil, err
			}
			return info.Size(), nil
		})
	}
}

// sameContent reads from both files, at off and from where Read stands.
func (f twinFiles) sameContent(r *rapid.T, off int64, n int) {
	for _, read := range []func(vfs.File, []byte) (int, error){
		func(f vfs.File, p []byte) (int, error) { return f.ReadAt(p, off) },
		func(f vfs.File, p []byte) (int, error) { return f.Read(p) },
	} {
		got, want := make([]byte, n), make([]byte, n)
		a, err := read(f.ours, got)
		b, wantErr := read(f.theirs, want)
		if a != b || (err == io.EOF) != (wantErr == io.EOF) || !bytes.Equal(got, want) {
			r.Fatalf("read %d at %d: %d, %v, want %d, %v", n, off, a, err, b, wantErr)
		}
	}
	info, err := f.ours.Stat()
	want, wantErr := f.theirs.Stat()
	if err != nil || wantErr != nil || info.Size() != want.Size() {
		r.Fatalf("size %d, %v, want %d, %v", info.Size(), err, want.Size(), wantErr)
	}
}
