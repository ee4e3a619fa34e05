// Command bench measures the built binary on this machine and prints a table. It
// asserts nothing: whether a figure is good is for its reader to say.
//
//	go run ./tests/bench [-only get,put,mix,size,connections,join,catchup,import,failover,plan,growth,peers] [-rounds 3] [-time 1s] [-connections 64]
//
// It starts real clusters on loopback and drives them in a closed loop over raw
// keep-alive connections: one goroutine each, requests prepared, keys uniform or Zipf.
// Clients and servers share the cores, whose speed drifts, so what is to be
// compared runs in short rounds one after another, there and back, and the ratio
// of a line is the median of its ratios within a round. A ratio holds from one
// machine to the next much better than the figure beside it.
//
// The part peers does the same with programs that others pick for this, where they
// are installed: processes of its own on ports of its own, as many copies, as
// durable, the same connections in the same rounds, and the same generator.
//
// CPU is user and system time of all servers of a line, from /proc, with what they
// do when idle. Processes and directories go when the command ends, however it
// ends. Of the program under test it imports nothing but the load generator.
package main
