package transport

const (
	// segmentSize is how many bytes of small frames are written with one system
	// call.
	segmentSize = 64 << 10
	// ownSegment is the size in bytes from which a frame is a segment of its own.
	ownSegment = 16 << 10
	// MaxCopied is the size in bytes up to which a body is copied when it is sent. A
	// larger one is kept as it is, and must not change any more.
	MaxCopied = segmentSize
)

// frame is one to be sent.
type frame struct {
	kind  frameKind
	id    uint64
	body  []byte
	whole []byte // a large one, encoded ahead of any lock; nil: a small one, or kept
	head  []byte // the header of one whose body is kept
}

func newFrame(kind frameKind, id uint64, body []byte) frame {
	f := frame{kind: kind, id: id, body: body}
	switch {
	case len(body) > MaxCopied:
		f.head = appendHeader(make([]byte, 0, headerSize), kind, id, body)
	case len(body) >= ownSegment:
		f.whole = f.append(make([]byte, 0, f.size()))
	}
	return f
}

func (f *frame) size() int { return headerSize + len(f.body) }

// size of several frames, in bytes.
func size(frames []frame) (n int) {
	for i := range frames {
		n += frames[i].size()
	}
	return n
}

func (f *frame) append(buf []byte) []byte {
	return append(appendHeader(buf, f.kind, f.id, f.body), f.body...)
}

// outbox holds the frames that wait to be written to a connection. It has no lock
// of its own: its connection's guards it.
type outbox struct {
	segments [][]byte // in order, each of whole frames, or a kept body behind its header
	spare    []byte   // a written segment, to be filled again
	// Invariant: queued = added - written bytes; taken <= added.
	queued int    // bytes held, those being written included
	added  uint64 // bytes that add took in, ever
	taken  uint64 // bytes that take gave out, ever: they may have been delivered
}

// fits reports whether n bytes may be added under limit. An empty outbox takes
// anything.
func (o *outbox) fits(n, limit int) bool { return o.queued == 0 || o.queued+n <= limit }

func (o *outbox) add(frames []frame) {
	for i := range frames {
		o.addOne(&frames[i])
	}
}

func (o *outbox) addOne(f *frame) {
	o.queued += f.size()
	o.added += uint64(f.size())
	switch {
	case f.head != nil:
		last := o.segmentFor(len(f.head))
		*last = append(*last, f.head...)
		o.segments = append(o.segments, f.body)
	case f.whole != nil:
		o.segments = append(o.segments, f.whole)
	default:
		last := o.segmentFor(f.size())
		*last = f.append(*last)
	}
}

// segmentFor returns the last segment if n bytes more fit, else a new one. It is valid
// until the next one is added.
func (o *outbox) segmentFor(n int) *[]byte {
	last := len(o.segments) - 1
	if last < 0 || len(o.segments[last])+n > segmentSize {
		o.segments = append(o.segments, o.emptySegment())
		last++
	}
	return &o.segments[last]
}

// emptySegment returns the spare one, or a new one, which grows as need be if it
// is the only one.
func (o *outbox) emptySegment() []byte {
	if s := o.spare; s != nil {
		o.spare = nil
		return s
	}
	if len(o.segments) > 0 {
		return make([]byte, 0, segmentSize)
	}
	return nil
}

// take returns all that waits, in the memory of an earlier batch.
func (o *outbox) take(earlier [][]byte) [][]byte {
	batch := o.segments
	o.segments = earlier[:0]
	o.taken = o.added
	return batch
}

// wrote gives a batch that take returned and that is written back for use, and
// forgets its bytes.
func (o *outbox) wrote(batch [][]byte) {
	for i, s := range batch {
		o.queued -= len(s)
		if cap(s) <= segmentSize {
			o.spare = s[:0]
		}
		batch[i] = nil
	}
}
