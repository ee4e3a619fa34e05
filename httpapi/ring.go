package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"pipelinedht/partition"
)

// showRing prints the map, or with ?key=K where that key lives. The ETag is the
// ring version.
func (s *Server) showRing(w http.ResponseWriter, r *http.Request) int {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return fail(w, r, faultf(http.StatusBadRequest, "the query cannot be read: write a key as ?key=K, percent-encoded"))
	}
	_, noneMatch, err := conditions(r.Header)
	if err != nil {
		return fail(w, r, err)
	}
	m := s.cluster.Ring()
	if m == nil {
		return fail(w, r, fmt.Errorf("%w: this node has no map yet", partition.ErrUnavailable))
	}
	h := w.Header()
	h["ETag"] = []string{`"` + strconv.FormatUint(uint64(m.Version), 10) + `"`}
	if noneMatch.given && noneMatch.match(true, uint64(m.Version), true) {
		w.WriteHeader(http.StatusNotModified)
		return http.StatusNotModified
	}
	if !query.Has("key") {
		return writeJSON(w, r, m)
	}
	key := query.Get("key")
	if key == "" || len(key) > s.limits.KeyBytes {
		delete(h, "ETag")
		return fail(w, r, faultf(http.StatusBadRequest, "the key in the query has %d bytes: give 1 to %d", len(key), s.limits.KeyBytes))
	}
	return writeJSON(w, r, placeOf(m, []byte(key)))
}

// place says where one key lives.
type place struct {
	Version   partition.Version `json:"version"`
	Partition partition.ID      `json:"partition"`
	Epoch     partition.Epoch   `json:"epoch"`
	Term      partition.Term    `json:"term"`
	Primary   partition.Peer    `json:"primary"`
	InSync    []partition.Peer  `json:"in_sync"`
	Target    []partition.Peer  `json:"target"` // preferred primary first
}

func placeOf(m *partition.Map, key []byte) place {
	id := partition.Of(key, m.Settings.Partitions)
	row := &m.Table[id]
	peer := func(id partition.NodeID) partition.Peer {
		p, ok := m.Peer(id)
		if !ok {
			p.ID = id // on its way out
		}
		return p
	}
	peers := func(ids []partition.NodeID) []partition.Peer {
		all := make([]partition.Peer, len(ids))
		for i, id := range ids {
			all[i] = peer(id)
		}
		return all
	}
	return place{
		Version:   m.Version,
		Partition: id,
		Epoch:     row.Epoch,
		Term:      row.Term,
		Primary:   peer(row.Primary),
		InSync:    peers(row.InSync),
		Target:    peers(row.Target),
	}
}
