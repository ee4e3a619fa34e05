package httpapi

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// listPeers names all peers, this node first: in text each followed by CR LF, in
// JSON as an array of strings.
func (s *Server) listPeers(w http.ResponseWriter, r *http.Request) int {
	peers := s.cluster.Peers()
	h := w.Header()
	h["Vary"] = varyAccept
	if wantsJSON(r.Header) {
		return writeJSON(w, r, peers)
	}
	var lines strings.Builder
	for _, name := range peers {
		lines.WriteString(name)
		lines.WriteString("\r\n")
	}
	h["Content-Type"] = typeText
	w.Write([]byte(lines.String()))
	return http.StatusOK
}

// join reads a join list and has the node join. The answer's headers tell what
// came of the keys that the node brought.
func (s *Server) join(w http.ResponseWriter, r *http.Request) int {
	if crossSite(r.Header) {
		return fail(w, r, errCrossSite)
	}
	body, held, err := s.readBody(r, s.limits.JoinBytes, "join list")
	defer s.bodies.give(held, connectionOf(r.Context()))
	if err != nil {
		return fail(w, r, err)
	}
	contacts, err := ParseContacts(string(body))
	if err != nil {
		return fail(w, r, err)
	}
	waitWithoutEnd(w)
	report, err := s.cluster.Join(r.Context(), contacts)
	if err != nil {
		return fail(w, r, err)
	}
	h := w.Header()
	if report.AlreadyMember {
		h["DHT-Already-Member"] = []string{"true"}
	}
	h["DHT-Imported"] = []string{strconv.Itoa(report.Imported)}
	h["DHT-Import-Lost"] = []string{strconv.Itoa(report.Lost)}
	h["DHT-Partitions-Waiting"] = []string{strconv.Itoa(report.Waiting)}
	w.WriteHeader(http.StatusOK)
	return http.StatusOK
}

// leave has the node leave its cluster.
func (s *Server) leave(w http.ResponseWriter, r *http.Request) int {
	if crossSite(r.Header) {
		return fail(w, r, errCrossSite)
	}
	waitWithoutEnd(w)
	if err := s.cluster.Leave(r.Context()); err != nil {
		return fail(w, r, err)
	}
	w.WriteHeader(http.StatusOK)
	return http.StatusOK
}

// forgetBytes bounds the body of a request to forget a peer: a name, or an id.
const forgetBytes = 4 * MaxName

// forget reads the name of a peer that is gone for good and has the cluster drop
// it. With ?lose-data=true what it alone has is given up. The answer says what
// became of it; its headers tell a program.
func (s *Server) forget(w http.ResponseWriter, r *http.Request) int {
	if crossSite(r.Header) {
		return fail(w, r, errCrossSite)
	}
	loseData, err := loseDataIn(r)
	if err != nil {
		return fail(w, r, err)
	}
	body, held, err := s.readBody(r, forgetBytes, "name")
	defer s.bodies.give(held, connectionOf(r.Context()))
	if err != nil {
		return fail(w, r, err)
	}
	name := strings.TrimSpace(string(body))
	if err := CheckName(name); err != nil {
		return fail(w, r, faultf(http.StatusBadRequest, "the body is to be the name of a peer: %w", err))
	}
	report, err := s.cluster.Forget(r.Context(), name, loseData)
	if err != nil {
		return fail(w, r, err)
	}
	h := w.Header()
	h["DHT-Partitions-Lost"] = []string{strconv.Itoa(report.Lost)}
	h["DHT-Peer-Gone"] = []string{strconv.FormatBool(report.Gone)}
	w.WriteHeader(http.StatusOK)
	return http.StatusOK
}

// loseDataIn reads the query of a request to forget a peer. Anything but what is
// known is refused: a mistyped word must not count as its absence, or presence.
func loseDataIn(r *http.Request) (bool, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	lose := false
	for name, values := range query {
		if name != "lose-data" || len(values) != 1 {
			err = errors.New("unknown")
			break
		}
		lose, err = strconv.ParseBool(values[0])
	}
	if err != nil {
		return false, faultf(http.StatusBadRequest, "the query is not understood: give none, or lose-data=true")
	}
	return lose, nil
}

// waitWithoutEnd lifts the time-outs of one request, for what takes as long as
// the data is large. The connection still notices when its client goes.
func waitWithoutEnd(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	// Not every ResponseWriter has deadlines to lift.
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
}
