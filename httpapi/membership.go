package httpapi

import (
	"net/http"
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
	defer s.bodies.give(held)
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

// waitWithoutEnd lifts the time-outs of one request, for what takes as long as
// the data is large. The connection still notices when its client goes.
func waitWithoutEnd(w http.ResponseWriter) {
	control := http.NewResponseController(w)
	// Not every ResponseWriter has deadlines to lift.
	_ = control.SetReadDeadline(time.Time{})
	_ = control.SetWriteDeadline(time.Time{})
}
