package storage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"

	"pipelinedht/partition"
)

// formatVersion is that of the layout in doc.go. A program reads its own version
// and those before.
const formatVersion = 1

// remedy is for who reads of ErrCorrupt when the whole store cannot be opened.
const remedy = "where other nodes have copies of its data, start the node under its name with an empty directory and let it join them, else restore the directory from a backup"

// advised is an error that names the remedy.
type advised struct{ error }

func (a advised) Unwrap() error { return a.error }

// advise adds the remedy to an error that is ErrCorrupt, once.
func advise(err error) error {
	var known advised
	if !errors.Is(err, ErrCorrupt) || errors.As(err, &known) {
		return err
	}
	return advised{fmt.Errorf("%w; %s", err, remedy)}
}

// Open opens the store in o.Dir, or makes one there; without a directory it makes
// one in memory. Errors say what to do: ErrLocked, ErrNotDirectory, ErrNewerFormat,
// ErrNotStore, ErrCorrupt, or what the file system says.
func Open(o Options) (*Store, error) {
	o = o.withDefaults()
	s := &Store{where: o.Dir}
	if o.FS == nil {
		s.where = "memory"
	}
	f := &failure{log: o.Logger, dir: s.where}
	s.failure = f
	var err error
	if o.FS == nil {
		err = s.begin(newInMemory(), nil)
	} else {
		err = s.openDisk(&o)
	}
	if o.Fatal != nil {
		f.fatal.Store(&o.Fatal)
	}
	if err = f.first(err); err != nil {
		if s.engine != nil {
			s.engine.close() // what it says is no news
		}
		return nil, advise(fmt.Errorf("open store in %s: %w", s.where, err))
	}
	return s, nil
}

// openDisk begins with what is in o.Dir.
func (s *Store) openDisk(o *Options) error {
	finished, err := checkDirectory(o.FS, o.Dir)
	if err == nil {
		err = checkLogs(o.FS, o.Dir)
	}
	if err != nil {
		return err
	}
	fenced := fence{o.FS, s.failure, new(progress)}
	db, err := pebble.Open(o.Dir, o.pebbleOptions(fenced, s.failure))
	if err != nil {
		return openError(s.failure.first(err), finished)
	}
	d := &disk{pebbleSource: pebbleSource{db}, db: db, dir: o.Dir, fs: o.FS, failure: s.failure}
	d.witness.progress = fenced.progress
	if o.RecordCacheBytes > 0 {
		s.cache = newRecordCache(o.RecordCacheBytes)
	}
	// The first log was begun before Pebble knew that it is to say in it what has
	// been made durable, which checkLogs relies on. Flush begins another.
	if err := s.begin(d, db.Flush); err != nil {
		return err
	}
	if d.witness.marker, _, err = atomicfs.LocateMarker(fenced, o.Dir, witnessMarker); err != nil {
		return err
	}
	return s.Seal()
}

// checkDirectory tells, before anything is touched, what Pebble would not say
// clearly. finished: a database was made there once.
func checkDirectory(fsys vfs.FS, dir string) (finished bool, err error) {
	info, err := fsys.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case errors.Is(err, syscall.ENOTDIR), err == nil && !info.IsDir():
		return false, ErrNotDirectory
	case err != nil:
		return false, err
	}
	marker, err := atomicfs.ReadMarker(fsys, dir, "format-version")
	if err != nil || marker == "" {
		return false, err
	}
	v, err := strconv.ParseUint(marker, 10, 64)
	if err != nil {
		return false, fmt.Errorf("%w: format marker %q", ErrCorrupt, marker)
	}
	if manifest, err := atomicfs.ReadMarker(fsys, dir, "manifest"); err != nil || manifest == "" {
		// Pebble would begin a new database among the files of the old one.
		return false, errors.Join(err, fmt.Errorf("%w: the marker of the manifest is missing", ErrCorrupt))
	}
	if v > uint64(pebble.FormatNewest) {
		return false, fmt.Errorf("%w (files of format %d, this version knows %d)", ErrNewerFormat, v, pebble.FormatNewest)
	}
	return true, nil
}

// openError says what an error of Pebble's Open means.
func openError(err error, finished bool) error {
	if !finished && errors.Is(err, fs.ErrNotExist) {
		// A marker of the manifest reached the disk, the manifest's name did not.
		return fmt.Errorf("%w (%w)", ErrUnfinished, err)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: a file is missing: %w", ErrCorrupt, err)
	}
	return damage(err)
}

// begin checks whose database it is that e has, and reads the node's counters, or
// writes them into a new one; made, unless nil, is called after that.
func (s *Store) begin(e engine, made func() error) error {
	s.engine, s.from = e, e
	s.tails = tails{read: s.reader, bySlot: make(map[Slot]partition.Position)}
	formatKey := appendPrefix(nil, nodeSlot, kindFormat)
	v, found, err := s.value(formatKey)
	if err != nil {
		return err
	}
	if !found {
		if err := s.initialise(formatKey); err != nil || made == nil {
			return err
		}
		return made()
	}
	if len(v) != 8 {
		return fmt.Errorf("%w: format version of %d bytes", ErrCorrupt, len(v))
	}
	if version := binary.BigEndian.Uint64(v); version > formatVersion {
		return fmt.Errorf("%w (layout %d, this version knows %d)", ErrNewerFormat, version, formatVersion)
	}
	v, found, err = s.value(appendPrefix(nil, nodeSlot, kindNextSlot))
	if err != nil {
		return err
	}
	if !found || len(v) != 8 {
		return fmt.Errorf("%w: next slot of %d bytes", ErrCorrupt, len(v))
	}
	s.nextSlot = Slot(binary.BigEndian.Uint64(v))
	return nil
}

func (s *Store) initialise(formatKey []byte) error {
	empty := true
	err := s.scan(appendPrefix(nil, nodeSlot, 0), nil, func(_, _ []byte) (bool, error) {
		empty = false
		return false, nil
	})
	if err != nil {
		return err
	}
	if !empty {
		return ErrNotStore
	}
	s.nextSlot = nodeSlot + 1
	b := s.NewBatch()
	b.finish(b.b.Set(formatKey, binary.BigEndian.AppendUint64(nil, formatVersion), nil))
	b.putNextSlot(s.nextSlot)
	return b.Commit()
}
