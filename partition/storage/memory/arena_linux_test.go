package memory

import (
	"bytes"
	"os"
	"testing"
)

// The kernel allows a process some 65,000 mappings, and counts as two what a hole
// parts. However many large records come and go, they leave none.
func TestLargeRecordsLeaveNoHolesBetweenAddresses(t *testing.T) {
	mappings := func() int {
		all, err := os.ReadFile("/proc/self/maps")
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(all, []byte("\n"))
	}
	const records = 2000
	a := new(Arena)
	var all []ref
	for range records {
		r, err := a.put(nil, make([]byte, mostBytes))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	before := mappings()
	for i := 0; i < records; i += 2 {
		a.drop(all[i])
	}
	if now := mappings(); now-before > records/10 {
		t.Errorf("%d mappings have become %d", before, now)
	}
	for i := 1; i < records; i += 2 {
		a.drop(all[i])
	}
	a.Close()
	if now := mappings(); now-before > records/10 {
		t.Errorf("%d mappings have become %d, and nothing is left", before, now)
	}
}
