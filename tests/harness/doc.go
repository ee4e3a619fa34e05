// Package harness starts real nodes from the built binary and talks to them as
// any user would: by command line, signal and HTTP.
//
// It imports nothing of the program under test, so that a test sees only what a
// user can see. It does not know what is right: tests judge, the harness starts,
// asks and reports. The one thing it judges itself is that no node's log shows a
// panic, a data race or a fatal error.
//
// Nodes and clients may be used from any goroutine; what takes a testing.TB and
// may end the test belongs to the test's own goroutine.
//
// Environment:
//
//	DHTTEST_BINARY  a dht binary to test instead of building one
//	DHTTEST_RACE    if not empty, the binary is built with the race detector
//	DHTTEST_SEED    the seed of random tests, as the flag -seed
//	DHTTEST_KEEP    a directory for logs and data, which stay there
package harness
