package transport

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"pipelinedht/partition"
)

// A handshake. Without a secret:
//
//	GET /dht/peer HTTP/1.1           Upgrade: pipelinedht/1, and what hello says
//	  101 Switching Protocols        what welcome says
//
// With one:
//
//	GET /dht/peer HTTP/1.1           Upgrade: pipelinedht/1, and what hello says
//	  401 Unauthorized               what welcome says: a challenge
//	GET /dht/peer HTTP/1.1           the first request and the dialling side's Dht-Proof
//	  101 Switching Protocols        the answering side's Dht-Proof
//
// Any other answer is a Refusal. The dialling side sends nothing else before the
// 101 has come.
const (
	protocolName    = "pipelinedht"
	protocolVersion = "1"
	upgradeToken    = protocolName + "/" + protocolVersion
)

// streamKind says what a connection is for. The first ones are the lanes.
type streamKind uint8

const (
	kindRaft  streamKind = lanes + iota // bytes of Raft
	kindVisit                           // one call, from a node of any cluster
	kinds
)

func (k streamKind) String() string {
	switch k {
	case kindRaft:
		return "raft"
	case kindVisit:
		return "visit"
	}
	return Lane(k).String()
}

func parseKind(s string) (streamKind, error) {
	for k := range kinds {
		if k.String() == s {
			return k, nil
		}
	}
	return 0, fmt.Errorf("no such kind of connection: %q", s)
}

const nonceSize = 16

type nonce [nonceSize]byte

func newNonce() (n nonce) {
	rand.Read(n[:]) // never fails
	return n
}

func parseNonce(s string) (n nonce, err error) {
	if len(s) != 2*nonceSize {
		return n, fmt.Errorf("nonce of %d characters, want %d", len(s), 2*nonceSize)
	}
	_, err = hex.Decode(n[:], []byte(s))
	return n, err
}

// hello is what the dialling side says.
type hello struct {
	kind   streamKind
	from   Identity
	target partition.NodeID // 0: whoever answers
	// serial numbers the dials of one incarnation, so that a connection that was
	// given up before it was answered cannot displace the one dialled after it.
	serial uint64
	nonce  nonce
}

func (h *hello) write(to http.Header) {
	h.from.write(to)
	to.Set("Connection", "Upgrade")
	to.Set("Upgrade", upgradeToken)
	to.Set(headerKind, h.kind.String())
	to.Set(headerTarget, h.target.String())
	to.Set(headerSerial, strconv.FormatUint(h.serial, 10))
	to.Set(headerNonce, hex.EncodeToString(h.nonce[:]))
}

func readHello(r *http.Request) (*hello, error) {
	var h hello
	var err error
	if h.kind, err = parseKind(r.Header.Get(headerKind)); err != nil {
		return nil, err
	}
	if h.from, err = readIdentity(r.Header); err != nil {
		return nil, err
	}
	if h.target, err = partition.ParseNodeID(r.Header.Get(headerTarget)); err != nil {
		return nil, err
	}
	if h.target == 0 && h.kind != kindVisit {
		return nil, fmt.Errorf("a %v connection must name the node it is for", h.kind)
	}
	if h.serial, err = strconv.ParseUint(r.Header.Get(headerSerial), 10, 64); err != nil {
		return nil, fmt.Errorf("serial: %w", err)
	}
	h.nonce, err = parseNonce(r.Header.Get(headerNonce))
	return &h, err
}

// checkUpgrade tells a handshake of this protocol version from everything else.
func checkUpgrade(r *http.Request) *Refusal {
	name, version, _ := strings.Cut(r.Header.Get("Upgrade"), "/")
	switch {
	case r.Method != http.MethodGet:
		return &Refusal{http.StatusMethodNotAllowed, "this route is for other nodes, which use GET with Upgrade: " + upgradeToken}
	case name != protocolName || !hasToken(r.Header.Values("Connection"), "upgrade"):
		return &Refusal{http.StatusUpgradeRequired, "this route is for other nodes, which send Upgrade: " + upgradeToken}
	case version != protocolVersion:
		return &Refusal{http.StatusUpgradeRequired, fmt.Sprintf(
			"this node speaks version %s of the protocol between nodes, not %q: run the same release on both", protocolVersion, version)}
	case r.ContentLength != 0:
		return &Refusal{http.StatusBadRequest, "a handshake has no body"}
	}
	return nil
}

func hasToken(values []string, token string) bool {
	for _, v := range values {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// Target returns the node that a handshake is for, so that a process with more
// than one Transport knows which one is to serve it. For a visit it is any node,
// for what is no handshake it is 0.
func Target(r *http.Request) (node partition.NodeID, visit bool) {
	h, err := readHello(r)
	if err != nil {
		return 0, false
	}
	return h.target, h.target == 0
}
