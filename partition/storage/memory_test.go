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

// twoFiles is one file, open in both file systems.
type twoFiles struct {
	ours, theirs vfs.File
	writing      bool
}

// The memory file system is Pebble's own, whatever is done to it.
func TestMemoryIsAFileSystem(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		ours, theirs := storage.NewMemory(), vfs.FS(vfs.NewMem())
		var open []twoFiles
		name := func() string {
			return rapid.SampledFrom([]string{"a/1.sst", "a/2.sst", "/a/1.sst", "a/x", "b/1.sst", "b/3.sst"}).Draw(r, "name")
		}
		both := func(what string, f func(fs vfs.FS) (any, error)) {
			got, err := f(ours)
			want, wantErr := f(theirs)
			if fmt.Sprint(got) != fmt.Sprint(want) || (err == nil) != (wantErr == nil) {
				r.Fatalf("%s: %v, %v, want %v, %v", what, got, err, want, wantErr)
			}
		}
		opened := func(writing bool, f func(fs vfs.FS) (vfs.File, error)) {
			a, err := f(ours)
			b, wantErr := f(theirs)
			if (err == nil) != (wantErr == nil) {
				r.Fatalf("opened: %v, want %v", err, wantErr)
			}
			if err == nil {
				open = append(open, twoFiles{a, b, writing})
			}
		}
		for _, dir := range []string{"a", "b"} {
			both("mkdir", func(fs vfs.FS) (any, error) { return nil, fs.MkdirAll(dir, 0o755) })
		}
		r.Repeat(map[string]func(*rapid.T){
			"create": func(r *rapid.T) {
				name := name()
				opened(true, func(fs vfs.FS) (vfs.File, error) { return fs.Create(name, vfs.WriteCategoryUnspecified) })
			},
			"open": func(r *rapid.T) {
				name := name()
				opened(false, func(fs vfs.FS) (vfs.File, error) { return fs.Open(name) })
			},
			"write": func(r *rapid.T) {
				i := slices.IndexFunc(open, func(f twoFiles) bool { return f.writing })
				if i < 0 {
					r.Skip("no file is open for writing")
				}
				p := bytes.Repeat([]byte{rapid.Byte().Draw(r, "byte")}, rapid.IntRange(0, 3<<20).Draw(r, "bytes"))
				n, err := open[i].ours.Write(p)
				m, wantErr := open[i].theirs.Write(p)
				if n != m || err != nil || wantErr != nil {
					r.Fatalf("wrote %d, %v, want %d, %v", n, err, m, wantErr)
				}
			},
			"read": func(r *rapid.T) {
				for _, f := range open {
					if !f.writing {
						off := rapid.Int64Range(0, 4<<20).Draw(r, "offset")
						sameContent(r, f, off, rapid.IntRange(1, 2<<20).Draw(r, "bytes"))
					}
				}
			},
			"close": func(r *rapid.T) {
				if len(open) == 0 {
					r.Skip("nothing is open")
				}
				i := rapid.IntRange(0, len(open)-1).Draw(r, "file")
				if err, wantErr := open[i].ours.Close(), open[i].theirs.Close(); err != nil || wantErr != nil {
					r.Fatal(err, wantErr)
				}
				open = slices.Delete(open, i, i+1)
			},
			"change": func(r *rapid.T) {
				a, b := name(), name()
				switch what := rapid.SampledFrom([]string{"remove", "remove all", "rename", "link"}).Draw(r, "what"); what {
				case "remove":
					both(what, func(fs vfs.FS) (any, error) { return nil, fs.Remove(a) })
				case "remove all":
					both(what, func(fs vfs.FS) (any, error) { return nil, fs.RemoveAll("b") })
					both(what, func(fs vfs.FS) (any, error) { return nil, fs.MkdirAll("b", 0o755) })
				case "rename":
					both(what, func(fs vfs.FS) (any, error) { return nil, fs.Rename(a, b) })
				case "link":
					both(what, func(fs vfs.FS) (any, error) { return nil, fs.Link(a, b) })
				}
			},
			"": func(r *rapid.T) {
				for _, dir := range []string{"a", "b"} {
					both("list", func(fs vfs.FS) (any, error) {
						names, err := fs.List(dir)
						slices.Sort(names)
						return names, err
					})
				}
				for _, name := range []string{"a/1.sst", "a/2.sst", "a/x", "b/1.sst", "b/3.sst"} {
					both("stat "+name, func(fs vfs.FS) (any, error) {
						info, err := fs.Stat(name)
						if err != nil {
							return nil, err
						}
						return info.Size(), nil
					})
				}
			},
		})
		for _, f := range open {
			f.ours.Close()
		}
	})
}

// sameContent reads from both files, at off and from where Read stands.
func sameContent(r *rapid.T, f twoFiles, off int64, n int) {
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
