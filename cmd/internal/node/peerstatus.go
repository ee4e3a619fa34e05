package node

import (
	"cmp"
	"slices"

	"pipelinedht/partition"
)

// peerStatus is what /dht/status shows of a peer, by this node's map.
type peerStatus struct {
	Name      string              `json:"name"`
	ID        partition.NodeID    `json:"id"`
	Address   string              `json:"address"`
	State     partition.PeerState `json:"state"`
	Silent    bool                `json:"silent,omitempty"` // leaving, and not heard
	Importing bool                `json:"importing,omitempty"`
	Primaries int                 `json:"primaries"`
	Copies    int                 `json:"copies"` // in sync
	// Only counts, of a peer that is away, the partitions that nobody else has what
	// was written to: they wait for it, or for dht forget.
	Only int `json:"only,omitempty"`
}

// peerStatuses lists all peers, by name.
func peerStatuses(m *partition.Map) []peerStatus {
	primaries, copies := make(map[partition.NodeID]int), make(map[partition.NodeID]int)
	for i := range m.Table {
		row := &m.Table[i]
		primaries[row.Primary]++
		for _, id := range row.InSync {
			copies[id]++
		}
	}
	list := make([]peerStatus, len(m.Peers))
	for i, p := range m.Peers {
		list[i] = peerStatus{
			Name: p.Name, ID: p.ID, Address: p.Address, State: p.State, Silent: p.Silent, Importing: p.Importing,
			Primaries: primaries[p.ID], Copies: copies[p.ID],
		}
		if m.Away(p.ID) {
			list[i].Only = len(m.OnlyWith(p.ID))
		}
	}
	slices.SortStableFunc(list, func(a, b peerStatus) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
