// Package dialect speaks the protocols of other servers to the load generator, so
// that they can be measured beside the hash table with the same loop, at about the
// same cost: a request is prepared once and key and value are overwritten in place;
// of an answer only its status is looked at.
//
// It knows no server's process and no load; it opens no connection. A Speaker is
// for one goroutine.
package dialect
