package dialect

import (
	"strings"
	"testing"
)

func TestSlotsHaveTheOwnersThatTheClusterNames(t *testing.T) {
	t.Parallel()
	const nodes = `07c37d 127.0.0.1:30004@31004,host slave e7d1ee 0 1426238317239 4 connected
67ed2d 127.0.0.1:30002@31002 master - 0 1426238316232 2 connected 5461-10922
6ec23a 127.0.0.1:30003@31003 master - 0 1426238318243 3 connected 10923-16382
e7d1ee 127.0.0.1:30001@31001,host myself,master - 0 0 1 connected 0-5460 16383
`
	owners, err := SlotOwners(nodes)
	if err != nil {
		t.Fatal(err)
	}
	for slot, want := range map[int]string{0: "127.0.0.1:30001", 5460: "127.0.0.1:30001", 5461: "127.0.0.1:30002",
		10922: "127.0.0.1:30002", 10923: "127.0.0.1:30003", 16382: "127.0.0.1:30003", 16383: "127.0.0.1:30001"} {
		if got := owners[slot]; got != want {
			t.Errorf("slot %d: got %s, want %s", slot, got, want)
		}
	}
	for name, wrong := range map[string]string{
		"nothing":            "",
		"a slot less":        strings.Replace(nodes, " 16383", "", 1),
		"a slot that moves":  strings.Replace(nodes, "16383", "16383 [7->-67ed2d]", 1),
		"a slot too many":    strings.Replace(nodes, "16383", "16383-16384", 1),
		"a range of nothing": strings.Replace(nodes, "0-5460", "5460-0", 1),
		"no nodes":           "-ERR This instance has cluster support disabled",
	} {
		if _, err := SlotOwners(wrong); err == nil {
			t.Errorf("%s: got no error", name)
		}
	}
}
