// Package memory keeps ordered maps of byte strings outside of Go's heap, where the
// garbage collector would have to walk them, and would hold as much memory again in
// reserve.
//
// A Map is a B+tree for each first byte of its keys. The nodes are on the heap, one
// object for some forty records, and never edited once a Snapshot has seen them. The
// records are in an Arena, which many maps share: small ones in slots of about their
// size, 1 MiB of one size at a time; large ones in memory of their own. What is removed
// makes room for others of its size; the memory of a MiB that has become empty goes back
// to the operating system, and so does that of large records, but for the last 16 MiB;
// their addresses are kept.
//
// The package does not know what the bytes mean.
//
// Concurrency: any number of goroutines may read a Map and take Snapshots of it.
// Changes are made between Lock and Unlock, and are seen by others all at once.
package memory
