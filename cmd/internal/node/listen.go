package node

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"pipelinedht/partition"
	"pipelinedht/transport"
)

// ErrExposed is returned by Open for a node that everybody on the network could
// read and write.
var ErrExposed = fmt.Errorf("%w: no secret for a node that listens beyond loopback: give it the cluster's secret, or allow that with --insecure", ErrConfig)

// listen opens the node's port and learns the address that others are told.
func (n *Node) listen(ctx context.Context) error {
	if n.listener = n.cfg.Listener; n.listener != nil {
		n.address = n.cfg.advertised(n.listener.Addr().String())
		return nil
	}
	if ip := net.ParseIP(n.cfg.Host); ip != nil && ip.IsUnspecified() {
		if n.cfg.exposed() {
			return ErrExposed
		}
		if n.cfg.Advertise == "" {
			return fmt.Errorf("%w: host %s is every address of this machine: say with --advertise at which one others reach this node",
				ErrConfig, n.cfg.Host)
		}
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", net.JoinHostPort(n.cfg.Host, strconv.Itoa(n.cfg.Port)))
	if err != nil {
		return fmt.Errorf("open the port: %w", err)
	}
	n.listener = quietListener{ln}
	tcp, ok := ln.Addr().(*net.TCPAddr)
	if !ok {
		return fmt.Errorf("open the port: %v is not a TCP address", ln.Addr())
	}
	if !tcp.IP.IsLoopback() && n.cfg.exposed() {
		return ErrExposed
	}
	n.address = n.cfg.advertised(net.JoinHostPort(n.cfg.Host, strconv.Itoa(tcp.Port)))
	return nil
}

// advertised returns the address that others are told of a node that listens at
// own.
func (c Config) advertised(own string) string {
	if c.Advertise != "" {
		return c.Advertise
	}
	return own
}

// exposed reports whether a listener beyond loopback would be open to everybody.
func (c Config) exposed() bool { return c.Secret == "" && !c.Insecure }

// peerHandler hands connections between nodes to the life that they are for.
type peerHandler struct{ n *Node }

func (h peerHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	target, visit := transport.Target(r)
	l := h.n.lifeFor(target, visit)
	if l == nil {
		http.Error(w, fmt.Sprintf("node %s is not here (any more)", target), http.StatusMisdirectedRequest)
		return
	}
	l.net.ServeHTTP(w, r)
}

// lifeFor returns the life that has the node id, or the current one for visits;
// nil if there is none.
func (n *Node) lifeFor(id partition.NodeID, visit bool) *life {
	n.mu.Lock()
	defer n.mu.Unlock()
	if visit {
		return n.current
	}
	return n.lives[id]
}
