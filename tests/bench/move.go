package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// transferredKeys counts the keys that a node has sent in transfers of copies.
const transferredKeys = "dht_transfer_keys_total"

// place is a copy's: a partition on the node with an address.
type place struct {
	partition int
	address   string
}

// places returns where the in-sync copies are.
func (c *cluster) places(ctx context.Context) (map[place]bool, error) {
	text, err := ask(ctx, http.MethodGet, c.nodes[0].address, "/dht/ring", nil)
	if err != nil {
		return nil, err
	}
	var ring struct {
		Peers []struct{ ID, Address string }
		Table []struct {
			InSync []string `json:"in_sync"`
		}
	}
	if err := json.Unmarshal([]byte(text), &ring); err != nil {
		return nil, fmt.Errorf("GET /dht/ring: %w", err)
	}
	addresses := make(map[string]string)
	for _, p := range ring.Peers {
		addresses[p.ID] = p.Address
	}
	all := make(map[place]bool)
	for partition, row := range ring.Table {
		for _, id := range row.InSync {
			all[place{partition, addresses[id]}] = true
		}
	}
	return all, nil
}

// measureMove has a node join or leave, and prints how long that took and what
// moved: new copies by the map, against the fewest that leave all nodes with equally
// many, the keys that the others sent, and what memory the largest node took.
func (b *bench) measureMove(ctx context.Context, c *cluster, name string, move func(context.Context) error) error {
	before, err := c.places(ctx)
	if err != nil {
		return err
	}
	others := c.nodes[:len(c.nodes)-1]
	sentBefore, err := sum(ctx, others, transferredKeys)
	if err != nil {
		return err
	}
	mover := c.nodes[len(c.nodes)-1].address
	memory, err := resetPeak(c.nodes)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := move(ctx); err != nil {
		return err
	}
	took := time.Since(begun)
	most, err := peak(c.nodes)
	if err != nil {
		return err
	}
	after, err := c.places(ctx)
	if err != nil {
		return err
	}
	sentAfter, err := sum(ctx, others, transferredKeys)
	if err != nil {
		return err
	}
	moved := 0
	for p := range after {
		if !before[p] {
			moved++
		}
	}
	least := held(before, mover) // by one that leaves
	if least == 0 {
		least = len(after) / len(c.nodes)
	}
	b.printf("%-*s %8.2f s   %8.0f copies/s  %d copies moved, %.2f of the fewest; the others sent %.0f keys\n", nameWidth, name,
		took.Seconds(), float64(moved)/took.Seconds(), moved, float64(moved)/float64(least), sentAfter-sentBefore)
	b.printMemory("memory of the largest node", most, memory)
	return nil
}

// held returns how many copies a node has.
func held(places map[place]bool, address string) (n int) {
	for p := range places {
		if p.address == address {
			n++
		}
	}
	return n
}

// sum adds up a metric of several servers.
func sum(ctx context.Context, servers []*process, name string) (total float64, err error) {
	for _, p := range servers {
		one, err := metric(ctx, p.address, name)
		if err != nil {
			return 0, err
		}
		total += one
	}
	return total, nil
}
