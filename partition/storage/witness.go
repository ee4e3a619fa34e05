package storage

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// A witness says beside the database how much of its newest log and manifest has
// been made durable. Where less is found at the next start, that is damage; without
// a witness it would look as if a crash had cut the file off. It is the value of
// the marker that bears its name, and is renewed by Store.Seal.
type witness struct{ log, manifest extentOf }

// extentOf is how much of a numbered file is durable, in bytes.
type extentOf struct {
	num  uint64
	size int64
}

const witnessMarker = "witness"

func (w witness) String() string {
	return fmt.Sprintf("%d-%d-%d-%d", w.log.num, w.log.size, w.manifest.num, w.manifest.size)
}

// readWitness returns the witness in a directory; a zero one where there is none.
func readWitness(fsys vfs.FS, dir string) (w witness, err error) {
	text, err := atomicfs.ReadMarker(fsys, dir, witnessMarker)
	if errors.Is(err, fs.ErrNotExist) || err == nil && text == "" {
		return w, nil
	}
	if err != nil {
		return w, err
	}
	if n, _ := fmt.Sscanf(text, "%d-%d-%d-%d", &w.log.num, &w.log.size, &w.manifest.num, &w.manifest.size); n != 4 {
		return w, fmt.Errorf("%w: witness %q", ErrCorrupt, text)
	}
	return w, nil
}

// progress follows what is written to the newest log and manifest.
type progress struct {
	mu            sync.Mutex // guards the following two; nil: none was begun
	log, manifest *written
}

// written is a file that grows.
type written struct {
	num           uint64
	bytes, synced atomic.Int64
}

// follow returns where to count the bytes of a file that was just begun; nil: they
// are of no interest.
func (p *progress) follow(name string) *written {
	name = name[strings.LastIndexAny(name, "/\\")+1:]
	w := new(written)
	place := &p.log
	digits, found := strings.CutSuffix(name, ".log")
	if !found {
		place = &p.manifest
		digits, found = strings.CutPrefix(name, "MANIFEST-")
	}
	num, err := strconv.ParseUint(digits, 10, 32)
	if !found || err != nil {
		return nil
	}
	w.num = num
	p.mu.Lock()
	defer p.mu.Unlock()
	if *place == nil || (*place).num <= num {
		*place = w
	}
	return w
}

// witness returns what is durable now.
func (p *progress) witness() witness {
	p.mu.Lock()
	defer p.mu.Unlock()
	return witness{p.log.extent(), p.manifest.extent()}
}

func (w *written) extent() extentOf {
	if w == nil {
		return extentOf{}
	}
	return extentOf{w.num, w.synced.Load()}
}

func (w *written) wrote(n int) {
	if w != nil {
		w.bytes.Add(int64(n))
	}
}

// durable has sync make durable what was written before, and notes it.
func (w *written) durable(f *failure, sync func() error) {
	if w == nil {
		f.attempt(sync)
		return
	}
	size := w.bytes.Load()
	f.attempt(sync)
	if !f.thrown() {
		w.synced.Store(max(size, w.synced.Load()))
	}
}
