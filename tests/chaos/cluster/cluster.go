// Package cluster runs the nodes that a chaos run is made on: real processes, on
// disk or in memory, with or without a network between them that can be made to
// fail. It knows which nodes are members, which of them are well, and which of
// them clients may ask.
//
// Faults are brought about by one goroutine, the run's. Clients use members from
// any.
package cluster

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"pipelinedht/tests/chaos/network"
	"pipelinedht/tests/harness"
)

// Shape is what a run's cluster is like.
type Shape struct {
	Nodes      int
	Durable    bool // with data directories
	Partitions int
	Wires      Wires
	Program    string   // a binary from harness.Build; "": the one under test
	Env        []string // of every node
}

// Wires is what nodes reach each other by.
type Wires uint8

const (
	Direct  Wires = iota // loopback, which does not fail
	Proxies              // a network.Proxies
	Packets              // a network.Packets
)

func (w Wires) String() string { return [...]string{"direct", "proxies", "packets"}[w] }

// Storage names where the nodes keep their data.
func (s Shape) Storage() string {
	if s.Durable {
		return "disk"
	}
	return "memory"
}

// Replicas is how many copies there are of each partition, the default.
const Replicas = 3

// Bounds of what a cluster may take on a machine that is busy. Reaching one is a
// violation.
const (
	changeWithin = 120 * time.Second // a join or leave
	readyWithin  = 60 * time.Second
	// askAgainEvery is the pause after a join or leave that did not work, such as
	// under the name of a node that nobody knows to be dead yet.
	askAgainEvery = 250 * time.Millisecond
)

// Cluster is the nodes of a run.
type Cluster struct {
	Shape
	t        testing.TB
	dir      string    // of logs and data
	members  []*Member // in the cluster, dead or alive
	launched []*Member // all there ever were

	// Net is what the nodes reach each other by; nil: Direct.
	Net     network.Network
	proxies *network.Proxies // Net, or nil
	packets *network.Packets // Net, or nil
	// Joined is told of each node that becomes a member after Start; nil: nobody.
	Joined func(*Member)
}

// Start starts the nodes and joins them; their logs and data are in dir.
func Start(t testing.TB, shape Shape, dir string) *Cluster {
	t.Helper()
	c := &Cluster{Shape: shape, t: t, dir: dir}
	if err := c.connect(); err != nil {
		t.Fatal(err)
	}
	for range shape.Nodes {
		m := c.launch()
		if len(c.members) > 0 {
			if err := m.Node.Join(c.members[0].Contact()); err != nil {
				t.Fatalf("%s joins: %v", m.Name, err)
			}
		}
		c.members = append(c.members, m)
		m.admit()
	}
	return c
}

// connect makes the network between the nodes.
func (c *Cluster) connect() (err error) {
	switch c.Wires {
	case Proxies:
		c.proxies = network.NewProxies()
		c.Net = c.proxies
	case Packets:
		if c.packets, err = network.NewPackets(); err != nil {
			return err
		}
		c.Net = c.packets
	default:
		return nil
	}
	c.t.Cleanup(c.Net.Close)
	return nil
}

// wire gives a node that is to be started its place in the network.
func (c *Cluster) wire(m *Member, spec *harness.Spec) (err error) {
	switch c.Wires {
	case Proxies:
		spec.Advertise = fmt.Sprintf("127.0.0.1:%d", harness.FreePort(c.t))
		m.proxy = c.proxies.Open(spec.Name, spec.Advertise)
	case Packets:
		spec.Dial = c.packets.Dial
		spec.Args = append(spec.Args, "--insecure") // nobody else is in there
		spec.Host, spec.Prefix, err = c.packets.Host(spec.Name)
	}
	return err
}

// launch starts one more node, which stands alone.
func (c *Cluster) launch() *Member {
	c.t.Helper()
	m := &Member{}
	c.launched = append(c.launched, m)
	spec := harness.Spec{
		Name:    fmt.Sprintf("peer%d", len(c.launched)),
		Dir:     c.dir,
		Durable: c.Durable,
		Program: c.Program,
		Env:     c.Env,
		Args:    []string{"--partitions", strconv.Itoa(c.Partitions)},
	}
	if err := c.wire(m, &spec); err != nil {
		c.t.Fatal(err)
	}
	m.Node = harness.StartSpec(c.t, spec)
	m.address, m.dial = m.Address(), spec.Dial
	if err := m.connect(); err != nil {
		c.t.Fatal(err)
	}
	m.well.Store(true)
	return m
}

// Members returns the nodes that are in the cluster, dead or alive.
func (c *Cluster) Members() []*Member { return slices.Clone(c.members) }

// Dump writes what all nodes that run say of themselves to files in the cluster's
// directory, and ends them. It is for the evidence of a run that failed.
func (c *Cluster) Dump() error {
	var errs []error
	for _, m := range c.launched {
		errs = append(errs, m.Dump(c.dir))
	}
	return errors.Join(errs...)
}

// Well returns the members that no fault is upon.
func (c *Cluster) Well() []*Member {
	return slices.DeleteFunc(c.Members(), func(m *Member) bool { return !m.Well() })
}

// Others returns the members that no fault is upon, but for these.
func (c *Cluster) Others(but ...*Member) []*Member {
	return slices.DeleteFunc(c.Well(), func(m *Member) bool { return slices.Contains(but, m) })
}

// Names returns the names of members.
func Names(members []*Member) []string {
	names := make([]string, len(members))
	for i, m := range members {
		names[i] = m.Name
	}
	return names
}

// Leader returns the member that leads Raft, by the word of any that is well.
func (c *Cluster) Leader() (*Member, error) {
	var errs []error
	for _, m := range c.Well() {
		leads, err := m.Leads()
		if err == nil && leads {
			return m, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(append(errs, errors.New("nobody leads Raft"))...)
}
