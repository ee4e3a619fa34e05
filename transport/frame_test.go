package transport

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

// readFrames takes all frames of a stream, with a count of the large bodies that
// memory was asked for.
func readFrames(src io.Reader, limit int) (frames []frame, large int, err error) {
	r := frameReader{
		src: src, limit: limit, pause: func() {},
		large: func(int) (func(), error) {
			large++
			return func() {}, nil
		},
	}
	for {
		h, body, err := r.next()
		if err != nil {
			return frames, large, err
		}
		frames = append(frames, frame{kind: h.kind, id: h.id, body: body})
	}
}

func encode(frames ...frame) []byte {
	var o outbox
	for i := range frames {
		f := newFrame(frames[i].kind, frames[i].id, frames[i].body)
		o.addOne(&f)
	}
	return bytes.Join(o.take(nil), nil)
}

func TestFramesOfAllSizesRoundTrip(t *testing.T) {
	var sent []frame
	sizes := []int{0, 1, 17, 100, minReadBuffer - headerSize, minReadBuffer, ownSegment - 1, ownSegment,
		maxReadBuffer - headerSize, maxReadBuffer - headerSize + 1, maxReadBuffer, 3 << 20, 2, 0}
	for i, n := range sizes {
		sent = append(sent, frame{kind: frameMessage, id: uint64(i), body: bytes.Repeat([]byte{byte(i + 1)}, n)})
	}
	stream := encode(sent...)
	sources := map[string]func(io.Reader) io.Reader{
		"whole":                    func(r io.Reader) io.Reader { return r },
		"in halves":                iotest.HalfReader,
		"data together with EOF":   iotest.DataErrReader,
		"no more than one at once": iotest.OneByteReader,
	}
	for name, source := range sources {
		t.Run(name, func(t *testing.T) {
			got, _, err := readFrames(source(bytes.NewReader(stream)), 4<<20)
			if err != io.EOF {
				t.Fatalf("error at the end: %v, want EOF", err)
			}
			if len(got) != len(sent) {
				t.Fatalf("%d frames, want %d", len(got), len(sent))
			}
			for i := range got {
				if got[i].kind != sent[i].kind || got[i].id != sent[i].id || !bytes.Equal(got[i].body, sent[i].body) {
					t.Errorf("frame %d: kind %d id %d with %d bytes, want kind %d id %d with %d",
						i, got[i].kind, got[i].id, len(got[i].body), sent[i].kind, sent[i].id, len(sent[i].body))
				}
			}
		})
	}
}

func TestBodiesAreTheReceivers(t *testing.T) {
	stream := encode(frame{kind: frameMessage, body: []byte("first")}, frame{kind: frameMessage, body: []byte("other")})
	frames, _, _ := readFrames(bytes.NewReader(stream), 100)
	copy(frames[1].body, "xxxxx")
	if got := string(append(frames[0].body, "yyyyy"...)); got != "firstyyyyy" || string(frames[1].body) != "xxxxx" {
		t.Errorf("bodies share memory: %q and %q", frames[0].body, frames[1].body)
	}
}

func TestBadStreams(t *testing.T) {
	good := encode(frame{kind: frameRequest, id: 7, body: []byte("some body")})
	edit := func(at int, b byte) []byte {
		bad := bytes.Clone(good)
		bad[at] ^= b
		return bad
	}
	cases := []struct {
		name   string
		stream []byte
		want   error
	}{
		{"nothing", nil, io.EOF},
		{"half a header", good[:9], io.ErrUnexpectedEOF},
		{"half a body", good[:20], io.ErrUnexpectedEOF},
		{"half a large body", encode(frame{kind: frameMessage, body: make([]byte, 200<<10)})[:150<<10], io.ErrUnexpectedEOF},
		{"a longer body than allowed", encode(frame{kind: frameMessage, body: make([]byte, 1<<20+1)}), errFrameSize},
		{"the longest length there is", []byte("\xff\xff\xff\xff0123456789abc"), errFrameSize},
		{"kind 0", edit(8, byte(frameRequest)), errFrameKind},
		{"kind 250", edit(8, 250^byte(frameRequest)), errFrameKind},
		{"another kind", edit(8, byte(frameRequest^frameMessage)), errFrameSum},
		{"another number", edit(16, 1), errFrameSum},
		{"a flipped bit", edit(len(good)-1, 0x10), errFrameSum},
		{"a wrong checksum", edit(5, 1), errFrameSum},
		{"an HTTP request", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), errFrameSize},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			frames, large, err := readFrames(bytes.NewReader(c.stream), 1<<20)
			if !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if len(frames) > 0 {
				t.Errorf("%d frames were read, want none", len(frames))
			}
			if errors.Is(c.want, errFrameSize) && large > 0 {
				t.Errorf("memory was taken for a body that is too long")
			}
		})
	}
}

// FuzzFrames feeds any bytes to the reader: what it takes must be exactly what
// the stream begins with, and never longer than the limit.
func FuzzFrames(f *testing.F) {
	f.Add([]byte{})
	f.Add(encode(frame{kind: frameAlive}))
	f.Add(encode(frame{kind: frameMessage, body: []byte("m")}, frame{kind: frameRequest, id: 1, body: make([]byte, 300)}))
	f.Add(encode(frame{kind: frameReply, id: 1 << 63, body: make([]byte, 5000)})[:4000])
	f.Add([]byte("\x00\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Add([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
	const limit = 4096
	f.Fuzz(func(t *testing.T, stream []byte) {
		frames, _, err := readFrames(bytes.NewReader(stream), limit)
		if err == nil {
			t.Fatal("no error at the end of the stream")
		}
		for _, got := range frames {
			if len(got.body) > limit {
				t.Errorf("body of %d bytes, limit %d", len(got.body), limit)
			}
		}
		if again := encode(frames...); !bytes.HasPrefix(stream, again) {
			t.Errorf("%d frames were read that the stream %x does not begin with", len(frames), stream)
		}
	})
}
