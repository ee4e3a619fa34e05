package harness

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
)

// Ring is the map as GET /dht/ring prints it.
type Ring struct {
	Cluster  string `json:"cluster"`
	Version  uint64 `json:"version"`
	Settings struct {
		Partitions int `json:"partitions"`
		Replicas   int `json:"replicas"`
	} `json:"settings"`
	Peers []RingPeer `json:"peers"`
	Table []RingRow  `json:"table"` // indexed by partition
}

// RingPeer is a peer in the map.
type RingPeer struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Address   string `json:"address"`
	State     string `json:"state"`
	Importing bool   `json:"importing"`
}

// RingRow is one partition in the map; copies are node ids.
type RingRow struct {
	Primary string   `json:"primary"`
	InSync  []string `json:"in_sync"`
	Target  []string `json:"target"` // preferred primary first
}

// Ring returns the node's map.
func (c *Client) Ring() (*Ring, error) {
	a, err := c.Do("GET", "/dht/ring", nil)
	if err != nil {
		return nil, err
	}
	var r Ring
	if err := json.Unmarshal([]byte(a.Body), &r); err != nil {
		return nil, fmt.Errorf("GET /dht/ring: %w", err)
	}
	if len(r.Table) == 0 || len(r.Table) != r.Settings.Partitions {
		return nil, fmt.Errorf("GET /dht/ring: %d rows for %d partitions", len(r.Table), r.Settings.Partitions)
	}
	return &r, nil
}

// Place is where one key lives, as GET /dht/ring?key=K prints it.
type Place struct {
	Version uint64     `json:"version"`
	Primary RingPeer   `json:"primary"`
	InSync  []RingPeer `json:"in_sync"`
}

// Has reports whether the node of that name has a copy in sync.
func (p *Place) Has(name string) bool {
	return slices.ContainsFunc(p.InSync, func(peer RingPeer) bool { return peer.Name == name })
}

// Place returns where a key lives, by the node's map.
func (c *Client) Place(key string) (*Place, error) {
	a, err := c.Do("GET", "/dht/ring?key="+url.QueryEscape(key), nil)
	if err != nil {
		return nil, err
	}
	var p Place
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		return nil, fmt.Errorf("GET /dht/ring: %w", err)
	}
	return &p, nil
}

// Unsettled says what is not where it should be: nil if every in-sync set is its
// target, every primary the preferred one, and no peer on its way in or out.
func (r *Ring) Unsettled() error {
	for _, p := range r.Peers {
		if p.Importing || p.State == "leaving" {
			return fmt.Errorf("ring version %d: peer %s: importing %t, %s", r.Version, p.Name, p.Importing, p.State)
		}
	}
	for p, row := range r.Table {
		held, wanted := slices.Sorted(slices.Values(row.InSync)), slices.Sorted(slices.Values(row.Target))
		if !slices.Equal(held, wanted) || row.Primary != row.Target[0] {
			return fmt.Errorf("ring version %d: partition %d: primary %s, in sync %v, target %v",
				r.Version, p, row.Primary, row.InSync, row.Target)
		}
	}
	return nil
}

// Primaries returns how many partitions each peer is primary for, by name.
func (r *Ring) Primaries() map[string]int {
	return r.count(func(row RingRow) []string { return []string{row.Primary} })
}

// Copies returns how many copies each peer holds in sync, by name.
func (r *Ring) Copies() map[string]int {
	return r.count(func(row RingRow) []string { return row.InSync })
}

func (r *Ring) count(of func(RingRow) []string) map[string]int {
	names, counts := make(map[string]string), make(map[string]int)
	for _, p := range r.Peers {
		names[p.ID] = p.Name
		counts[p.Name] = 0
	}
	for _, row := range r.Table {
		for _, id := range of(row) {
			counts[names[id]]++
		}
	}
	return counts
}

// Moved returns how many copies are in r that were not in before: the data that
// a change had to move.
func (r *Ring) Moved(before *Ring) int {
	moved := 0
	for p, row := range r.Table {
		for _, id := range row.InSync {
			if !slices.Contains(before.Table[p].InSync, id) {
				moved++
			}
		}
	}
	return moved
}

// Spread returns the smallest and the largest count.
func Spread(counts map[string]int) (least, most int) {
	first := true
	for _, n := range counts {
		if first {
			least, most, first = n, n, false
		}
		least, most = min(least, n), max(most, n)
	}
	return least, most
}
