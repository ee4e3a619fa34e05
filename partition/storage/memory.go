package storage

import (
	"path"
	"strings"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// memory is a vfs.MemFS whose tables, nearly all of its bytes, lie outside of
// Go's heap. There the garbage collector would hold as much memory again in
// reserve (with GOGC=100), and for nothing: tables hold no pointers, and they are
// freed when they are removed.
type memory struct {
	*vfs.MemFS // everything else, and for each table an empty file

	mu     sync.Mutex
	tables map[string]*extent // by clean path
}

// NewMemory returns an empty file system in memory, for a node without a data
// directory. Its tables are given back to the operating system when they are
// removed and no longer open; what is left stays until the process ends.
func NewMemory() vfs.FS {
	return &memory{MemFS: vfs.NewMem(), tables: make(map[string]*extent)}
}

func isTable(name string) bool { return strings.HasSuffix(name, ".sst") }

func clean(name string) string { return path.Clean("/" + name) }

// put makes e (nil: nothing) the content at name, and lets go of what was there.
func (m *memory) put(name string, e *extent) {
	m.mu.Lock()
	old := m.tables[clean(name)]
	if e != nil {
		m.tables[clean(name)] = e
	} else {
		delete(m.tables, clean(name))
	}
	m.mu.Unlock()
	if old != nil {
		old.release()
	}
}

// hold returns the content at name with one more holder; nil: there is none.
func (m *memory) hold(name string) *extent {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.tables[clean(name)]
	if e != nil {
		e.holders.Add(1)
	}
	return e
}

// Create makes an empty file, in the place of any other of that name.
func (m *memory) Create(name string, c vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := m.MemFS.Create(name, c)
	if err != nil {
		return nil, err
	}
	if !isTable(name) {
		m.put(name, nil)
		return f, nil
	}
	e := newExtent()
	e.holders.Add(1)
	m.put(name, e)
	return &tableFile{File: f, content: e}, nil
}

// Open opens a file for reading.
func (m *memory) Open(name string, o ...vfs.OpenOption) (vfs.File, error) {
	f, err := m.MemFS.Open(name, o...)
	if err != nil {
		return nil, err
	}
	if e := m.hold(name); e != nil {
		return &tableFile{File: f, content: e}, nil
	}
	return f, nil
}

// Remove removes a file; who has it open may still read it.
func (m *memory) Remove(name string) error {
	if err := m.MemFS.Remove(name); err != nil {
		return err
	}
	m.put(name, nil)
	return nil
}

// RemoveAll removes a directory with everything below.
func (m *memory) RemoveAll(name string) error {
	if err := m.MemFS.RemoveAll(name); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	below := strings.TrimSuffix(clean(name), "/") + "/"
	for table, e := range m.tables {
		if strings.HasPrefix(table, below) || table == clean(name) {
			delete(m.tables, table)
			e.release()
		}
	}
	return nil
}

// Rename gives a file another name.
func (m *memory) Rename(old, name string) error {
	e := m.hold(old)
	if err := m.MemFS.Rename(old, name); err != nil {
		if e != nil {
			e.release()
		}
		return err
	}
	m.put(name, e)
	if clean(old) != clean(name) {
		m.put(old, nil)
	}
	return nil
}

// Link gives a file one more name.
func (m *memory) Link(old, name string) error {
	if err := m.MemFS.Link(old, name); err != nil {
		return err
	}
	m.put(name, m.hold(old))
	return nil
}

// Stat describes a file.
func (m *memory) Stat(name string) (vfs.FileInfo, error) {
	info, err := m.MemFS.Stat(name)
	if err != nil {
		return nil, err
	}
	if e := m.hold(name); e != nil {
		defer e.release()
		return tableInfo{info, e.len()}, nil
	}
	return info, nil
}

// tableFile is a table that is open. It is used by one goroutine, but for ReadAt.
type tableFile struct {
	vfs.File
	content *extent
	read    int64 // by Read
}

func (f *tableFile) Write(p []byte) (int, error) { return f.content.append(p) }

func (f *tableFile) ReadAt(p []byte, off int64) (int, error) { return f.content.readAt(p, off) }

func (f *tableFile) Read(p []byte) (int, error) {
	n, err := f.content.readAt(p, f.read)
	if f.read += int64(n); n > 0 {
		err = nil
	}
	return n, err
}

func (f *tableFile) Stat() (vfs.FileInfo, error) {
	info, err := f.File.Stat()
	if err != nil {
		return nil, err
	}
	return tableInfo{info, f.content.len()}, nil
}

func (f *tableFile) Close() error {
	f.content.release()
	return f.File.Close()
}

// tableInfo is the description of an empty file with the size of its content.
type tableInfo struct {
	vfs.FileInfo
	size int64
}

func (i tableInfo) Size() int64 { return i.size }
