package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Peers returns the names of all peers: the node's own first, the others sorted.
func (c *Client) Peers(ctx context.Context) ([]string, error) {
	var names []string
	err := c.fetchJSON(ctx, call{method: http.MethodGet, path: "/dht/peers", header: acceptJSON()}, &names)
	return names, err
}

// JoinReport says what a join did.
type JoinReport struct {
	AlreadyMember bool // a contact was a peer already: nothing changed
	Imported      int  // keys that the node brought along and that are in the cluster now
	Lost          int  // keys for which the cluster had a later write
	Waiting       int  // partitions that only peers which are away have copies of
}

// Join has the node join the cluster that the first usable contact, each in the
// form name:host:port, belongs to. It returns once the data is where it belongs,
// however long that takes.
func (c *Client) Join(ctx context.Context, contacts []string) (JoinReport, error) {
	_, h, err := c.fetch(ctx, call{
		method: http.MethodPost, path: "/dht/join", body: []byte(strings.Join(contacts, "\r\n")), changes: true,
	})
	if err != nil {
		return JoinReport{}, err
	}
	return JoinReport{
		AlreadyMember: h.Get("DHT-Already-Member") == "true",
		Imported:      count(h, "DHT-Imported"),
		Lost:          count(h, "DHT-Import-Lost"),
		Waiting:       count(h, "DHT-Partitions-Waiting"),
	}, nil
}

// Leave has the node leave its cluster. It returns once the others have all data
// and the node stands alone, however long that takes.
func (c *Client) Leave(ctx context.Context) error {
	_, _, err := c.fetch(ctx, call{method: http.MethodPost, path: "/dht/leave", changes: true})
	return err
}

// ForgetReport says what became of a peer that was to be forgotten.
type ForgetReport struct {
	Lost int  // partitions whose data were given up
	Gone bool // it is no peer any more; else it goes when its copies are elsewhere
}

// Forget has the node's cluster drop a peer, by name or id, that is gone for good.
// With loseData it is dropped even if it alone has some data, which are lost.
func (c *Client) Forget(ctx context.Context, name string, loseData bool) (ForgetReport, error) {
	request := call{method: http.MethodPost, path: "/dht/forget", body: []byte(name), changes: true}
	if loseData {
		request.query = "lose-data=true"
	}
	_, h, err := c.fetch(ctx, request)
	if err != nil {
		return ForgetReport{}, err
	}
	return ForgetReport{Lost: count(h, "DHT-Partitions-Lost"), Gone: h.Get("DHT-Peer-Gone") == "true"}, nil
}

// Status returns the node's own account of itself, as JSON.
func (c *Client) Status(ctx context.Context) (json.RawMessage, error) {
	var status json.RawMessage
	err := c.fetchJSON(ctx, call{method: http.MethodGet, path: "/dht/status"}, &status)
	return status, err
}

// Ring is the map that a node goes by.
type Ring struct {
	Cluster  string `json:"cluster"`
	Version  uint64 `json:"version"` // counts the changes of the map
	Settings struct {
		Partitions int    `json:"partitions"`
		Replicas   int    `json:"replicas"` // copies wanted of each partition
		Hash       string `json:"hash"`
	} `json:"settings"`
	Peers []Peer `json:"peers"`
	Table []Row  `json:"table"` // indexed by partition
}

// Peer is a node in the map.
type Peer struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Address   string `json:"address"`
	State     string `json:"state"`  // active, down, replaced or leaving
	Silent    bool   `json:"silent"` // leaving, and not heard
	Importing bool   `json:"importing"`
}

// Away reports whether the peer serves nothing at present.
func (p *Peer) Away() bool { return p.State == "down" || p.State == "replaced" || p.Silent }

// Row is one partition in the table; copies are ids of peers.
type Row struct {
	Epoch   uint64   `json:"epoch"`
	Term    uint64   `json:"term"`
	Primary string   `json:"primary"`
	InSync  []string `json:"in_sync"`
	Target  []string `json:"target"` // preferred primary first
}

// Settled reports whether the in-sync copies are where they should be, and the
// primary the preferred one.
func (r *Row) Settled() bool {
	if len(r.InSync) != len(r.Target) || len(r.Target) == 0 || r.Primary != r.Target[0] {
		return false
	}
	for _, id := range r.Target {
		if !slices.Contains(r.InSync, id) {
			return false
		}
	}
	return true
}

// Ring returns the map that the node goes by.
func (c *Client) Ring(ctx context.Context) (*Ring, error) {
	ring := new(Ring)
	if err := c.fetchJSON(ctx, call{method: http.MethodGet, path: "/dht/ring"}, ring); err != nil {
		return nil, err
	}
	return ring, nil
}

// Place says where one key lives.
type Place struct {
	Version   uint64 `json:"version"` // of the map
	Partition int    `json:"partition"`
	Epoch     uint64 `json:"epoch"`
	Term      uint64 `json:"term"`
	Primary   Peer   `json:"primary"`
	InSync    []Peer `json:"in_sync"`
	Target    []Peer `json:"target"` // preferred primary first
}

// Place returns where key lives by the node's map, whether or not it holds
// something.
func (c *Client) Place(ctx context.Context, key string) (*Place, error) {
	place := new(Place)
	query := url.Values{"key": {key}}.Encode()
	if err := c.fetchJSON(ctx, call{method: http.MethodGet, path: "/dht/ring", query: query}, place); err != nil {
		return nil, err
	}
	return place, nil
}

func acceptJSON() http.Header { return http.Header{"Accept": {"application/json"}} }

// count reads a number from a header; 0 if there is none.
func count(h http.Header, name string) int {
	n, err := strconv.Atoi(h.Get(name))
	if err != nil {
		return 0
	}
	return n
}
