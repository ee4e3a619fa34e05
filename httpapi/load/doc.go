// Package load drives servers in a closed loop over raw connections: each
// connection sends its next request when it has the answer to the last.
//
// It is made to cost little, for it shares the machine with what it measures: a
// connection prepares its requests once and overwrites key and value in place, a
// request allocates nothing, and of an answer only status and length are looked at.
//
// It knows nothing of the hash table but the route of a key, and that only in the
// Dialect HTTP; other protocols are other dialects. A Load or Sweep is used by one
// goroutine at a time; Run waits for all that it starts.
package load
