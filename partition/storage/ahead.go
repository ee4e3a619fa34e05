package storage

import (
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// aheadBytes is how much is written of a log beyond its end whenever its file has to
// grow: enough for dozens of small batches, and hardly slower to fsync than one.
const aheadBytes = 256 << 10

// zeros is what is written there. It is never changed.
var zeros [aheadBytes]byte

// ahead is the file of a log, with zeros beyond the log's end: where the file has
// neither to grow nor to be given room, an fsync writes what is new and nothing about
// the file, which takes it half the time. Pebble has that of logs that it uses again,
// not of the first ones after a start, nor of the small ones that come first. A log may
// be followed by anything, so readers need not know of it.
type ahead struct {
	vfs.File
	written int64 // bytes of the log
	size    int64 // bytes of the file
}

// writeAhead returns file, which was just opened to be written from its beginning, as
// one that is written ahead if its name is that of a log.
func writeAhead(file vfs.File, name string) vfs.File {
	if !strings.HasSuffix(name, ".log") {
		return file
	}
	a := &ahead{File: file}
	if info, err := file.Stat(); err == nil {
		a.size = info.Size() // one that is used again; if not known, it is written anew
	}
	return a
}

// Write implements vfs.File. Zeros are but a help: where there is no room for them there
// may be for the log.
func (a *ahead) Write(p []byte) (int, error) {
	n, err := a.File.Write(p)
	a.written += int64(n)
	if err != nil || a.written <= a.size {
		return n, err
	}
	a.size = a.written
	if _, err := a.WriteAt(zeros[:], a.written); err == nil {
		a.size += aheadBytes
	}
	return n, nil
}
