package transport

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"

	"pipelinedht/partition"
)

// Identity is what a node says of itself in a handshake.
type Identity struct {
	Cluster     partition.ClusterID
	Node        partition.NodeID
	Incarnation partition.Incarnation
	Address     string // host:port at which others reach it
}

// maxAddress is the longest address taken from a handshake: a DNS name of 255
// bytes, a colon and a port.
const maxAddress = 261

// Headers of a handshake, each in the form of the String method of its value,
// numbers in decimal, nonces and proofs in hexadecimal.
const (
	headerKind        = "Dht-Kind"
	headerCluster     = "Dht-Cluster"
	headerNode        = "Dht-Node"
	headerIncarnation = "Dht-Incarnation"
	headerAddress     = "Dht-Address"
	headerTarget      = "Dht-Target"
	headerSerial      = "Dht-Serial"
	headerNonce       = "Dht-Nonce"
	headerProof       = "Dht-Proof"
)

func (id Identity) write(h http.Header) {
	h.Set(headerCluster, id.Cluster.String())
	h.Set(headerNode, id.Node.String())
	h.Set(headerIncarnation, strconv.FormatUint(uint64(id.Incarnation), 10))
	h.Set(headerAddress, id.Address)
}

func readIdentity(h http.Header) (Identity, error) {
	var id Identity
	if err := id.Cluster.UnmarshalText([]byte(h.Get(headerCluster))); err != nil {
		return id, err
	}
	if err := id.Node.UnmarshalText([]byte(h.Get(headerNode))); err != nil {
		return id, err
	}
	if id.Node == 0 {
		return id, errors.New("node id is zero")
	}
	inc, err := strconv.ParseUint(h.Get(headerIncarnation), 10, 64)
	if err != nil {
		return id, fmt.Errorf("incarnation: %w", err)
	}
	id.Incarnation = partition.Incarnation(inc)
	id.Address = h.Get(headerAddress)
	return id, checkAddress(id.Address)
}

func checkAddress(address string) error {
	if len(address) > maxAddress {
		return fmt.Errorf("address of %d bytes, longest %d", len(address), maxAddress)
	}
	if strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return fmt.Errorf("address %q has a blank or control character", address)
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	return nil
}
