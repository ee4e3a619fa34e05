package transport

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strings"
)

// welcome is what the answering side says.
type welcome struct {
	from  Identity
	nonce nonce
}

func (w *welcome) write(to http.Header) {
	w.from.write(to)
	to.Set(headerNonce, hex.EncodeToString(w.nonce[:]))
}

func readWelcome(h http.Header) (*welcome, error) {
	var w welcome
	var err error
	if w.from, err = readIdentity(h); err != nil {
		return nil, err
	}
	w.nonce, err = parseNonce(h.Get(headerNonce))
	return &w, err
}

// side of a handshake: part of its proof, so that neither can be sent back.
type side string

const (
	dialling  side = "dialling"
	answering side = "answering"
)

// prove returns what shows that a side knows the secret: HMAC-SHA256, in
// hexadecimal, over the side and everything both have said, one value a line.
// No value has a line break, and each nonce is used once.
func prove(secret string, s side, h *hello, w *welcome) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s\n%s\n%s\n%s\n%s\n%d\n%x\n%s\n%x\n", upgradeToken, s, h.kind,
		identityLines(h.from), h.target, h.serial, h.nonce, identityLines(w.from), w.nonce)
	return hex.EncodeToString(mac.Sum(nil))
}

func identityLines(id Identity) string {
	return strings.Join([]string{id.Cluster.String(), id.Node.String(), fmt.Sprint(id.Incarnation), id.Address}, "\n")
}

// sameProof compares two proofs in a time that does not tell where they differ.
func sameProof(a, b string) bool { return hmac.Equal([]byte(a), []byte(b)) }
