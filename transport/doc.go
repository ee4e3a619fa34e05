// Package transport connects nodes: one-way messages and calls between the
// members of a cluster, the byte streams of Raft, and visits, single questions
// to a node of any cluster. It knows node ids and addresses, and neither keys
// nor partitions nor what the bodies mean.
//
// # Connections
//
// Everything comes in at the node's one HTTP port. A connection begins as an
// HTTP/1.1 Upgrade request to Path (see hello), in which both sides say who they
// are and, where there is a secret, prove that they know it; a refusal is an
// HTTP status and one sentence. From then on it carries frames (see frame.go),
// or, for Raft, plain bytes. The proof says who is at the other end when the
// connection begins; keeping others from reading or changing what follows is
// what TLS is for.
//
// A node dials a peer once per Lane, when there is first something to say. Its
// messages and calls travel on the connection that it dialled, and the replies
// come back on the same one; what the peer has to say travels on the peer's own.
//
// # What is promised
//
// Frames of one sender on one lane arrive in the order sent, and none twice.
// When a connection breaks, any number of the frames last sent are lost; the
// next connection begins only after the receiver is done with the old one, so
// that no late frame follows a newer one. Handler.Lost tells that it happened.
// Messages sent while a connection is being dialled are lost if that fails. A call
// whose request surely was not delivered ends with ErrNotSent, one whose fate is
// unknown with ErrLost.
//
// A connection on which nothing arrives for three keep-alive intervals is
// closed, and so is one whose other end lives but takes nothing in for thirty.
//
// # Concurrency
//
// All methods of Transport may be called from any goroutine. Send never waits
// for the network. Each connection has one reader goroutine, which calls the
// Handler, one writer goroutine, for what its sender does not write, and one that watches
// over both. Close ends and waits for all of them.
package transport
