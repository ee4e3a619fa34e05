package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"pipelinedht/httpapi/client"
)

func (p *program) ringCommand() *cobra.Command {
	var (
		node   remote
		key    string
		asJSON bool
	)
	cmd := &cobra.Command{
		Use:   "ring",
		Short: "Show how the keys are spread over the peers",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().StringVar(&key, "key", "", "show where this key lives instead")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print all as JSON")
	node.define(cmd.Flags(), answerTimeout)
	cmd.RunE = p.do(func(cmd *cobra.Command, _ []string) error {
		ofKey := cmd.Flags().Changed("key")
		if ofKey && key == "" {
			return fmt.Errorf("%w: --key is empty", errUsage)
		}
		return node.with(cmd.Context(), func(ctx context.Context, c *client.Client) error {
			if ofKey {
				place, err := c.Place(ctx, key)
				switch {
				case err != nil:
					return err
				case asJSON:
					return p.printJSON(place)
				}
				return p.printPlace(place)
			}
			ring, err := c.Ring(ctx)
			switch {
			case err != nil:
				return err
			case asJSON:
				return p.printJSON(ring)
			}
			return p.printRing(ring)
		})
	})
	return cmd
}

func (p *program) printPlace(place *client.Place) error {
	names := func(peers []client.Peer) string {
		var all []string
		for _, peer := range peers {
			all = append(all, peer.Name)
		}
		return strings.Join(all, " ")
	}
	_, err := fmt.Fprintf(p.stdout, "partition %d (ring version %d)\nprimary %s (%s)\nin sync %s\ntarget %s\n",
		place.Partition, place.Version, place.Primary.Name, place.Primary.Address, names(place.InSync), names(place.Target))
	return err
}

func (p *program) printRing(ring *client.Ring) error {
	primary, copies, targets := map[string]int{}, map[string]int{}, map[string]int{}
	unsettled := 0
	for _, row := range ring.Table {
		primary[row.Primary]++
		for _, id := range row.InSync {
			copies[id]++
		}
		for _, id := range row.Target {
			targets[id]++
		}
		if !row.Settled() {
			unsettled++
		}
	}
	fmt.Fprintf(p.stdout, "cluster %s, ring version %d, %d partitions in %d copies, %d of them on the move\n",
		ring.Cluster, ring.Version, ring.Settings.Partitions, ring.Settings.Replicas, unsettled)
	table := tabwriter.NewWriter(p.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PEER\tADDRESS\tSTATE\tPRIMARY\tCOPIES\tTARGET\tID")
	peers := slices.SortedFunc(slices.Values(ring.Peers), func(a, b client.Peer) int { return strings.Compare(a.Name, b.Name) })
	for _, peer := range peers {
		state := peer.State
		if peer.Silent {
			state += ", silent"
		}
		if peer.Importing {
			state += ", importing"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", peer.Name, peer.Address, state,
			primary[peer.ID], copies[peer.ID], targets[peer.ID], peer.ID)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return p.printUnserved(ring)
}

// printUnserved says which partitions wait for peers that are away, and for which.
func (p *program) printUnserved(ring *client.Ring) error {
	away := make(map[string]string) // names by id
	for _, peer := range ring.Peers {
		if peer.Away() {
			away[peer.ID] = peer.Name
		}
	}
	unserved := 0
	waitFor := make(map[string]bool)
	for _, row := range ring.Table {
		if slices.ContainsFunc(row.InSync, func(id string) bool { return away[id] == "" }) {
			continue
		}
		unserved++
		for _, id := range row.InSync {
			waitFor[away[id]] = true
		}
	}
	if unserved == 0 {
		return nil
	}
	names := slices.Sorted(maps.Keys(waitFor))
	_, err := fmt.Fprintf(p.stdout, "%d partitions cannot be served: only %s has them; start it again, or see dht forget\n",
		unserved, strings.Join(names, " or "))
	return err
}
