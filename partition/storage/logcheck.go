package storage

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"
)

// Pebble takes the first chunk of its manifest, or of its newest log, that fails
// its checksum for the place where a crash cut the file off, and forgets whatever
// comes after it. (In a log it looks whether a later block of 32 KiB says that more
// had been made durable.) So damage would silently take back writes that were
// acknowledged. Hence a closer look before Pebble gets to see the files: it is no
// crash but damage
//
//   - if the witness says that more was durable;
//   - or if a valid chunk follows that was written when what fails was durable
//     already: in the manifest one that begins another record, each of which is
//     made durable before the next, in the log one that says so;
//   - or if one flipped bit less would make the chunk valid.
//
// What is left is the last write before a crash, not yet witnessed, and wrong in
// several bits.

// checkLogs reports ErrCorrupt if the manifest or the newest log of the database
// in dir is damaged. Pebble sees to the older logs, of which it knows that they
// were complete.
func checkLogs(fsys vfs.FS, dir string) error {
	files, err := fsys.List(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	w, err := readWitness(fsys, dir)
	if err != nil {
		return err
	}
	manifest, err := atomicfs.ReadMarker(fsys, dir, "manifest")
	if err != nil {
		return err
	}
	if num, found := numberOf(manifest, "MANIFEST-", ""); found {
		if err := checkFile(fsys, dir, manifest, manifestFormat, num, w.manifest); err != nil {
			return err
		}
	}
	newest, name := uint64(0), ""
	for _, file := range files {
		if num, found := numberOf(file, "", ".log"); found && num >= newest {
			newest, name = num, file
		}
	}
	if newest < w.log.num {
		return fmt.Errorf("%w: log %d is missing", ErrCorrupt, w.log.num)
	}
	if name == "" {
		return nil
	}
	return checkFile(fsys, dir, name, logFormat(uint32(newest)), newest, w.log)
}

// numberOf returns the number in a file's name.
func numberOf(name, before, after string) (num uint64, found bool) {
	digits, first := strings.CutPrefix(name, before)
	digits, second := strings.CutSuffix(digits, after)
	num, err := strconv.ParseUint(digits, 10, 32)
	return num, first && second && err == nil
}

// checkFile checks the file of that number; seen is what the witness says of it,
// or of an earlier or later one.
func checkFile(fsys vfs.FS, dir, name string, format chunkFormat, num uint64, seen extentOf) error {
	f, err := fsys.Open(fsys.PathJoin(dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // Pebble says that better
	}
	if err != nil {
		return err
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if num != seen.num {
		seen.size = 0
	}
	if at, damaged := format.damagedAt(content, seen.size); damaged {
		return fmt.Errorf("%w: %s, at byte %d", ErrCorrupt, name, at)
	}
	return nil
}

// damagedAt returns the offset at which a file, durable up to a size, is damaged;
// if it is.
func (f chunkFormat) damagedAt(file []byte, durable int64) (offset int, damaged bool) {
	at := f.validTo(file)
	switch {
	case f.ends(file, at):
		return 0, false
	case int64(at) < durable:
		return at, true
	}
	for later := at + 1; later < len(file); later++ {
		if c, ok := f.chunkAt(file, later); ok && (c.begins && !f.log || c.synced > uint64(at)) {
			return at, true
		}
	}
	return at, f.oneBitOff(file, at)
}

// validTo returns the offset of the first chunk that is not valid.
func (f chunkFormat) validTo(file []byte) (at int) {
	for at < len(file) {
		if blockEnd(at)-at < f.header {
			at = blockEnd(at)
			continue
		}
		c, ok := f.chunkAt(file, at)
		if !ok {
			break
		}
		at = c.end
	}
	return at
}
