package cluster

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"pipelinedht/tests/chaos/network"
	"pipelinedht/tests/harness"
)

// Member is one node, for all its restarts.
type Member struct {
	*harness.Node
	// address is where clients reach the node, by way of dial: its own port,
	// whatever the network between the nodes does. It never changes.
	address string
	dial    harness.Dial

	proxy  *network.Proxy // nil: none
	well   atomic.Bool    // no fault is upon it
	faults atomic.Int64   // that ever came upon it
	using  sync.RWMutex   // held for reading while a client waits for an answer
	inUse  bool           // guarded by using
}

// NewClient returns a client of the node with connections of its own.
func (m *Member) NewClient() *harness.Client { return harness.NewClientVia(m.dial, m.address) }

// Well reports whether no fault is upon the node: requests through it should
// succeed.
func (m *Member) Well() bool { return m.well.Load() }

// Watch returns a function that reports whether no fault has been upon the node
// since, nor is.
func (m *Member) Watch() (unharmed func() bool) {
	before, well := m.faults.Load(), m.Well()
	return func() bool { return well && m.Well() && m.faults.Load() == before }
}

// Afflict notes that a fault is about to come upon the node.
func (m *Member) Afflict() {
	m.faults.Add(1)
	m.well.Store(false)
}

// Recovered notes that the node is as good as any again.
func (m *Member) Recovered() { m.well.Store(true) }

// notInUseEvery is how often a client asks whether its node may be used again.
const notInUseEvery = 20 * time.Millisecond

// Use waits until the node may be asked by clients; the client calls done when it
// has its answer. False: ctx has ended.
func (m *Member) Use(ctx context.Context) (done func(), ok bool) {
	for ctx.Err() == nil {
		m.using.RLock()
		if m.inUse {
			return m.using.RUnlock, true
		}
		m.using.RUnlock()
		select {
		case <-time.After(notInUseEvery):
		case <-ctx.Done():
		}
	}
	return nil, false
}

// TryUse is Use that does not wait.
func (m *Member) TryUse() (done func(), ok bool) {
	if !m.using.TryRLock() {
		return nil, false
	}
	if !m.inUse {
		m.using.RUnlock()
		return nil, false
	}
	return m.using.RUnlock, true
}

// withdraw keeps clients from the node, and returns when those that wait for it
// have their answers. What a node answers that is no member tells nothing about
// the cluster's registers.
func (m *Member) withdraw() {
	m.using.Lock()
	defer m.using.Unlock()
	m.inUse = false
}

// admit lets clients ask the node.
func (m *Member) admit() {
	m.using.Lock()
	defer m.using.Unlock()
	m.inUse = true
}

// connect lets other nodes reach the process.
func (m *Member) connect() error {
	if m.proxy == nil {
		return nil
	}
	return m.proxy.Serve(m.Address())
}

// gone has other nodes refused, as they are where there is no proxy.
func (m *Member) gone() {
	if m.proxy != nil {
		m.proxy.Refuse()
	}
}

// Freeze stops the process where it stands.
func (m *Member) Freeze() error { return m.Signal(syscall.SIGSTOP) }

// Thaw has it go on.
func (m *Member) Thaw() error { return m.Signal(syscall.SIGCONT) }

// Leads reports whether the node says that it leads Raft.
func (m *Member) Leads() (bool, error) {
	status, err := m.RaftStatus()
	if err != nil {
		return false, fmt.Errorf("%s: %w", m.Name, err)
	}
	return status.State == "leader", nil
}
