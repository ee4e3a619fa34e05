package storage

import "errors"

// Errors of this package; they come wrapped with the directory, slot and key
// that they are about.
var (
	// ErrLocked, by Open: another process, or another Store of this one, has the
	// directory open. End that process, or name another directory.
	ErrLocked = errors.New("another dht serve runs on this directory: stop it, or choose another directory")
	// ErrNewerFormat, by Open: nothing was changed; run the newer program.
	ErrNewerFormat = errors.New("written by a newer version of this program: run that version, or choose another directory")
	// ErrNotDirectory, by Open: the path, or a part of it, is a file.
	ErrNotDirectory = errors.New("a file stands where the directory should be: move it away, or choose another directory")
	// ErrNotStore, by Open: the database there belongs to something else.
	ErrNotStore = errors.New("the database in this directory was not made by this program: choose another directory")
	// ErrUnfinished, by Open: the machine went down within the very first Open,
	// so nothing was ever stored.
	ErrUnfinished = errors.New("the first start in this directory was cut short, before anything was stored: empty it and start again")
	// ErrCorrupt, by whatever reads: what is stored fails its checksum or makes
	// no sense. The copy must be taken out of use and fetched again.
	ErrCorrupt = errors.New("stored data are damaged")
	// ErrFailed, by everything once writing has failed: it is not known how much
	// of the last batches is durable. End the process and start anew.
	ErrFailed = errors.New("store has failed and is closed to all use: restart the node")
	// ErrExists, by Create and MoveCopies: the directory has such a copy already.
	ErrExists = errors.New("the generation has a copy of that partition already")
	// ErrNoCopy: the slot, or the partition in that generation, holds no copy.
	ErrNoCopy = errors.New("no such copy")
	// ErrMarked, by MoveCopies: a copy that is not whole cannot be kept.
	ErrMarked = errors.New("the copy is not whole")
	// ErrMisfit, by Commit: what was to be written does not follow on what the
	// copy has; nothing was written.
	ErrMisfit = errors.New("does not follow on the copy's log")
)
