package network

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// Packets is a network namespace for each node, and one for a router between
// them, which drops packets: silently where a way is held, so that TCP tries
// again, and again; with a word to the sender where it is cut. Delays, and rules
// for some kinds of connections, are beyond it.
//
// It needs root and the commands ip, nsenter and unshare. Everything is gone with
// the process that made it, however that ends.
type Packets struct {
	router *namespace
	home   *os.File // the namespace of this process
	there  *os.File // the router's

	mu    sync.Mutex // guards the following
	hosts map[string]*namespace
	ips   map[string]string // of nodes, by name
	rules map[Way]string    // what the router does with packets that go so
}

// NewPackets returns a network without nodes that lets everything pass. An error
// says what this machine does not allow.
func NewPackets() (p *Packets, err error) {
	p = &Packets{hosts: make(map[string]*namespace), ips: make(map[string]string), rules: make(map[Way]string)}
	defer func() {
		if err != nil {
			p.Close()
		}
	}()
	if p.router, err = newNamespace(); err != nil {
		return nil, err
	}
	if err = p.router.run("", "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward"); err != nil {
		return nil, err
	}
	if p.home, err = os.Open("/proc/self/ns/net"); err != nil {
		return nil, err
	}
	p.there, err = os.Open(fmt.Sprintf("/proc/%d/ns/net", p.router.pid()))
	return p, err
}

// Close ends the namespaces. The processes in them have ended.
func (p *Packets) Close() {
	for _, ns := range p.hosts {
		ns.close()
	}
	if p.router != nil {
		p.router.close()
	}
	for _, f := range []*os.File{p.home, p.there} {
		if f != nil {
			f.Close()
		}
	}
}

// Host makes a place for a node. It returns its address, and the command line
// that runs a program there, in its own stead.
func (p *Packets) Host(name string) (ip string, prefix []string, err error) {
	ns, err := newNamespace()
	if err != nil {
		return "", nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hosts[name] = ns
	n := len(p.hosts)
	router, ip := fmt.Sprintf("10.77.%d.1", n), fmt.Sprintf("10.77.%d.2", n)
	err = p.router.ip(
		fmt.Sprintf("link add to%d type veth peer name eth0 netns %d", n, ns.pid()),
		fmt.Sprintf("addr add %s/30 dev to%d", router, n),
		fmt.Sprintf("link set to%d up", n))
	if err != nil {
		return "", nil, err
	}
	err = ns.ip("link set lo up", fmt.Sprintf("addr add %s/30 dev eth0", ip), "link set eth0 up", "route add default via "+router)
	p.ips[name] = ip
	return ip, ns.prefix(), err
}

// errBeyond is returned for a rule that packets cannot be dropped by.
var errBeyond = errors.New("packets are neither delayed nor told apart by what they are for")

// Set puts the rule on the ways, in place of what was on them.
func (p *Packets) Set(r Rule, ways ...Way) error {
	if r.Delay > 0 || r.Kinds != Everything {
		return errBeyond
	}
	verdict := ""
	switch {
	case r.Cut:
		verdict = "unreachable"
	case r.Hold:
		verdict = "blackhole"
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var commands []string
	for _, w := range ways {
		if old := p.rules[w]; old != "" {
			commands = append(commands, "rule del "+p.selector(w)+" "+old)
		}
		delete(p.rules, w)
		if verdict != "" {
			commands = append(commands, "rule add "+p.selector(w)+" "+verdict)
			p.rules[w] = verdict
		}
	}
	return p.router.ip(commands...)
}

// selector is the packets that go so.
func (p *Packets) selector(w Way) string { return "from " + p.ips[w.From] + " to " + p.ips[w.To] }

// Heal lets everything pass again.
func (p *Packets) Heal() error {
	p.mu.Lock()
	var ways []Way
	for w := range p.rules {
		ways = append(ways, w)
	}
	p.mu.Unlock()
	return p.Set(Rule{}, ways...)
}

// Dial connects to a node as somebody beside the router.
func (p *Packets) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	runtime.LockOSThread()
	// A socket stays in the namespace in which it was made.
	if err := unix.Setns(int(p.there.Fd()), unix.CLONE_NEWNET); err != nil {
		runtime.UnlockOSThread()
		return nil, fmt.Errorf("enter the router's namespace: %w", err)
	}
	var d net.Dialer
	nc, err := d.DialContext(ctx, network, address)
	if back := unix.Setns(int(p.home.Fd()), unix.CLONE_NEWNET); back != nil {
		// The thread cannot be used any more, nor may it end: with it would end
		// the processes that were started from it.
		panic(fmt.Sprintf("come back from the router's namespace: %v", back))
	}
	runtime.UnlockOSThread()
	return nc, err
}

// PacketsAllowed says what keeps this machine from having such a network, nil if
// nothing does.
func PacketsAllowed() error {
	p, err := NewPackets()
	if err != nil {
		return err
	}
	defer p.Close()
	for _, name := range []string{"a", "b"} {
		if _, _, err := p.Host(name); err != nil {
			return err
		}
	}
	return p.Set(Rule{Hold: true}, Way{"a", "b"})
}

// ip has the namespace's ip command carry out lines of commands.
func (ns *namespace) ip(commands ...string) error {
	if len(commands) == 0 {
		return nil
	}
	return ns.run(strings.Join(commands, "\n")+"\n", "ip", "-batch", "-")
}
