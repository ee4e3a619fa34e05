package fsm

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
)

// maxSnapshot bounds what a node takes into memory of a leader's snapshot, in bytes.
// That of 65,536 partitions with seven copies has 4 MiB.
const maxSnapshot = 64 << 20

var errNotWhole = errors.New("the snapshot is not whole or too large")

// inbox is what the other nodes' calls go through on their way to Raft.
type inbox struct {
	from    <-chan raft.RPC
	to      chan raft.RPC
	closing <-chan struct{}
	term    func() uint64 // see wire
	// installing is held from the look whether Raft needs a snapshot until it has it.
	installing sync.Mutex
}

// deliver hands Raft the other nodes' calls until Close.
func (b *inbox) deliver(r *raft.Raft) {
	var arriving sync.WaitGroup
	defer arriving.Wait()
	for {
		select {
		case call := <-b.from:
			switch c := call.Command.(type) {
			case *raft.InstallSnapshotRequest:
				arriving.Go(func() { b.install(call, c, r) })
				continue
			case *raft.AppendEntriesRequest:
				trim(c, r.AppliedIndex())
			case *raft.RequestVoteRequest:
				prepareVote(c, r)
			case *raft.RequestPreVoteRequest:
				preparePreVote(c, r)
			}
			b.pass(call)
		case <-b.closing:
			return
		}
	}
}

func (b *inbox) pass(call raft.RPC) {
	select {
	case b.to <- call:
	case <-b.closing:
	}
}

// install has Raft install a snapshot once it is here whole, and if it is news. Raft
// (v1.7.3) would read it from the stream in its own loop, which stands still when
// the stream does: no vote is given meanwhile, nor asked for. And it would take one
// that it has had: if a leader sends it again by another stream, and entries after
// it, what is late by the first one takes the place of all of them.
func (b *inbox) install(call raft.RPC, c *raft.InstallSnapshotRequest, r *raft.Raft) {
	var content bytes.Buffer
	if c.Size > maxSnapshot {
		call.Respond(nil, fmt.Errorf("%w: %d bytes", errNotWhole, c.Size))
		return
	}
	n, err := content.ReadFrom(call.Reader)
	if err == nil && n != c.Size {
		err = fmt.Errorf("%w: %d of %d bytes", errNotWhole, n, c.Size)
	}
	if err != nil {
		call.Respond(nil, err)
		return
	}
	b.installing.Lock()
	defer b.installing.Unlock()
	if r.AppliedIndex() >= c.LastLogIndex {
		call.Respond(&raft.InstallSnapshotResponse{Term: b.term(), Success: true}, nil)
		return
	}
	answer := make(chan raft.RPCResponse, 1)
	b.pass(raft.RPC{Command: c, Reader: &content, RespChan: answer})
	select {
	case a := <-answer:
		call.RespChan <- a
	case <-b.closing:
	}
}

// trim takes out of a leader's call what this node has applied: that was committed,
// so every leader has it, and the same. Raft (v1.7.3) looks each entry up in its log,
// and the one before them too, where it need not be any more: if the log begins after
// a leader's snapshot, with an entry that was not committed, it could never be replaced.
func trim(c *raft.AppendEntriesRequest, applied uint64) {
	if c.PrevLogEntry > applied {
		return
	}
	c.PrevLogEntry, c.PrevLogTerm = 0, 0 // compared with nothing
	for len(c.Entries) > 0 && c.Entries[0].Index <= applied {
		c.Entries = c.Entries[1:]
	}
}
