// Package storage keeps all copies of one node, and what the node must remember
// of itself, in one Pebble database, or, without a directory, in memory: in
// ordered maps of its own with the same keys (storage/memory).
//
// A copy lives under a slot, a key prefix that is never used twice: its data, the
// log of its entries (without values), a base record that says where the log
// begins, and, while a transfer into it is under way, a mark. The directory maps
// (generation, partition) to the slot and to where the copy came from; moving a
// copy to the next generation, another life of the node, is a change of the
// directory and of the base record. An ordinary write is two keys, data and log.
// Where a copy stands (partition.Position) is what the base record and the log
// records say together.
//
// Atomicity and durability: everything in one Batch is there after a crash or
// nothing of it is, and batches are there in the order in which they were
// committed. With a directory a Commit that returned nil is on disk. After the
// first error of writing, nothing is written, acknowledged or read any more
// (ErrFailed), Options.Fatal is told, and the directory stays as it was at that
// moment, as if the process had been killed.
//
// Damage: values have checksums of their own, tables those of Pebble; who reads is
// told (ErrCorrupt). Open refuses a log or manifest that is damaged or shorter than
// it was: beside what Pebble checks it goes by the witness, a marker file that Seal
// renews, with how much of both was durable (see logcheck.go).
//
// The package does not know the copy protocol, the map, or other nodes. It checks
// that the sequences of a log have no gap and that its terms do not fall.
//
// Concurrency: a Store and a View may be used by any number of goroutines. A
// Batch belongs to one. Batches that touch one copy must be built and committed
// one after the other. A caller with many writes waiting does best to put them
// into one batch, which costs one fsync.
//
// # Layout
//
// Integers are big-endian. A key is
//
//	slot 8 | kind 1 | rest
//
// Slot 0 is the node's own:
//
//	kind 1  format                                -> version 8
//	kind 2  next slot                             -> slot 8
//	kind 3  directory  generation 8, partition 4  -> slot 8, origin cluster 8, origin stamp 8
//	kind 4  metadata   name                       -> the caller's bytes
//
// Any other slot is a copy:
//
//	kind 1  base                                  -> see below
//	kind 2  mark                                  -> see below; absent: the copy is whole
//	kind 3  log        sequence 8                 -> see below
//	kind 4  data       key                        -> see below
//	kind 5  tombstones key                        -> nothing
//
// The last one lists the keys that a tombstone was written for and whose record
// was not deleted since; some may have a value again.
//
// Base record, of the entry before the first one in the log (zeros if there is
// none), with bounds that hold for the whole copy:
//
//	sequence 8 | term 8 | first sequence of that term 8 | stamp 8 | commit 8
//
// Mark:
//
//	flags 1 (bit 0: fresh) | common 8 | extra keys: (length 4 | key)*
//
// Log record:
//
//	term 8 | flags 1 (bits 0-1: kind, bit 2: import, bit 3: existed) |
//	operation: node 8, incarnation 8, counter 8 | stamp 8 | commit 8 | key
//
// where commit is the commit sequence known when the record was written.
//
// Data record, where crc is CRC-32C (Castagnoli) of all that follows it:
//
//	crc 4 | stamp 8 | flags 1 (bit 0: tombstone) | value
//
// Flag bits without a meaning are zero; a record that has one set is damaged.
package storage
