package dialect

import (
	"fmt"
	"strconv"
	"strings"
)

// SlotOwners returns the address, host:port, of the master of each slot, from the
// answer to CLUSTER NODES. It is an error if a slot has none, or is about to move.
//
// A line of it is
//
//	id host:port@bus[,hostname] flags master ping pong epoch link slot...
//
// where a slot is a number or a range of them.
func SlotOwners(nodes string) ([]string, error) {
	owners := make([]string, Slots)
	const addressField, slotsField = 1, 8
	for line := range strings.Lines(nodes) {
		fields := strings.Fields(line)
		if len(fields) < slotsField {
			return nil, fmt.Errorf("%q is no node of a cluster", line)
		}
		address, _, _ := strings.Cut(fields[addressField], "@")
		for _, slots := range fields[slotsField:] {
			from, to, ranged := strings.Cut(slots, "-")
			if !ranged {
				to = from
			}
			first, err1 := strconv.Atoi(from)
			last, err2 := strconv.Atoi(to)
			if err1 != nil || err2 != nil || first < 0 || first > last || last >= Slots {
				return nil, fmt.Errorf("%q of %s is no range of slots", slots, address)
			}
			for slot := first; slot <= last; slot++ {
				owners[slot] = address
			}
		}
	}
	for slot, owner := range owners {
		if owner == "" {
			return nil, fmt.Errorf("slot %d has no master", slot)
		}
	}
	return owners, nil
}
