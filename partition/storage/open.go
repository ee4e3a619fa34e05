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

// Open opens the store in o.Dir, or makes one there. Errors say what to do:
// ErrLocked, ErrNotDirectory, ErrNewerFormat, ErrNotStore, ErrCorrupt, or what
// the file system says.
func Open(o Options) (*Store, error) {
	if o.Dir == "" && o.FS == nil {
		return nil, errors.New("open store: no directory was named")
	}
	o = o.withDefaults()
	s, err := open(o)
	if err != nil {
		return nil, advise(fmt.Errorf("open store in %s: %w", o.Dir, err))
	}
	return s, nil
}

func open(o Options) (*Store, error) {
	finished, err := checkDirectory(o.FS, o.Dir)
	if err == nil {
		err = checkLogs(o.FS, o.Dir)
	}
	if err != nil {
		return nil, err
	}
	f := &failure{log: o.Logger, dir: o.Dir}
	fenced := fence{o.FS, f, new(progress)}
	db, err := pebble.Open(o.Dir, o.pebbleOptions(fenced, f))
	if err != nil {
		return nil, openError(f.first(err), finished)
	}
	s := &Store{
		reader: reader{from: db, failure: f},
		db:     db,
		dir:    o.Dir,
		fs:     o.FS,
		sync:   o.Sync,
	}
	s.seal.progress = fenced.progress
	if o.RecordCacheBytes > 0 {
		s.cache = newRecordCache(o.RecordCacheBytes)
	}
	s.tails = tails{read: s.reader, bySlot: make(map[Slot]partition.Position)}
	err = s.start()
	if err == nil && o.Sync {
		s.seal.marker, _, err = atomicfs.LocateMarker(fenced, o.Dir, witnessMarker)
	}
	if err == nil {
		err = s.Seal()
	}
	if o.Fatal != nil {
		f.fatal.Store(&o.Fatal)
	}
	if err = f.first(err); err != nil {
		db.Close() // what it says is no news
		return nil, err
	}
	return s, nil
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

// start checks whose database this is and reads the node's counters, or writes
// them into a new one.
func (s *Store) start() error {
	formatKey := appendPrefix(nil, nodeSlot, kindFormat)
	v, found, err := s.value(formatKey)
	if err != nil {
		return err
	}
	if !found {
		return s.initialise(formatKey)
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
	if err := b.commit(s.sync); err != nil || !s.sync {
		return err
	}
	// The first log was begun before Pebble knew that it is to say in it what has
	// been made durable, which checkLogs relies on. This begins another.
	return s.db.Flush()
}
