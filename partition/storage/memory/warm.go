package memory

import "slices"

// warmBytes bounds the memory of warm chunks.
const warmBytes = 16 << 20

// warm are the chunks that large records left last, and that still have their memory,
// for others of their size: the operating system gives memory page by page, as it is
// written, which takes several times as long as the writing. It has no lock of its own:
// its arena's guards it.
type warm struct {
	chunks []*chunk // the one that came last at the end
	bytes  int
}

// add keeps the memory of a chunk, and gives that of others back if it is too much.
func (w *warm) add(c *chunk) {
	w.chunks = append(w.chunks, c)
	w.bytes += len(c.bytes)
	for w.bytes > warmBytes {
		oldest := w.chunks[0]
		w.remove(oldest)
		oldest.giveBack()
	}
}

// remove takes a chunk out, if it is there.
func (w *warm) remove(c *chunk) {
	for i := len(w.chunks) - 1; i >= 0; i-- {
		if w.chunks[i] == c {
			w.chunks = slices.Delete(w.chunks, i, i+1)
			w.bytes -= len(c.bytes)
			return
		}
	}
}
