package partition_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"pipelinedht/partition"
)

// Where a key belongs is part of the format: a cluster's data would be out of
// place if it changed. The sums are xxhash64's own, from its reference.
func TestOfIsXXHash64ModuloQ(t *testing.T) {
	for _, x := range []struct {
		key string
		sum uint64
	}{
		{"", 0xef46db3751d8e999},
		{"a", 0xd24ec4f1a98c6e5b},
		{"abc", 0x44bc2cf5ad770999},
	} {
		for _, q := range []int{1, 2, 3, 1000, 1024, 65535, 65536} {
			if got, want := partition.Of([]byte(x.key), q), partition.ID(x.sum%uint64(q)); got != want {
				t.Errorf("Of(%q, %d): got %d, want %d", x.key, q, got, want)
			}
		}
	}
}

func TestOfSpreadsKeysEvenly(t *testing.T) {
	const q, keys = 64, 64_000
	var count [q]int
	for i := range keys {
		count[partition.Of(fmt.Appendf(nil, "key-%d", i), q)]++
	}
	for p, n := range count {
		if n < keys/q*8/10 || n > keys/q*12/10 {
			t.Errorf("partition %d: got %d of %d keys, want about %d", p, n, keys, keys/q)
		}
	}
}

func TestNodeIDReadsBackWhatItWrote(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := partition.NodeID(rapid.Uint64().Draw(t, "id"))
		if got, err := partition.ParseNodeID(id.String()); err != nil || got != id {
			t.Fatalf("ParseNodeID(%q): got %v, %v, want %v", id.String(), got, err, id)
		}
		cluster := partition.ClusterID(id)
		type ids struct {
			Node    partition.NodeID
			Cluster partition.ClusterID
			By      map[partition.NodeID]int
		}
		want := ids{id, cluster, map[partition.NodeID]int{id: 1}}
		text, err := json.Marshal(want)
		if err != nil {
			t.Fatalf("marshal %v: %v", want, err)
		}
		var got ids
		if err := json.Unmarshal(text, &got); err != nil || got.Node != id || got.Cluster != cluster || got.By[id] != 1 {
			t.Fatalf("unmarshal %s: got %v, %v, want %v", text, got, err, want)
		}
	})
}

func TestNodeIDIsSixteenHexDigits(t *testing.T) {
	if got, want := partition.NodeID(0x1f).String(), "000000000000001f"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, s := range []string{"", "1f", "00000000000000001f", "000000000000001g", "+00000000000001f", "0x0000000000001f"} {
		if id, err := partition.ParseNodeID(s); err == nil {
			t.Errorf("ParseNodeID(%q): got %v, want an error", s, id)
		}
		var cluster partition.ClusterID
		if err := cluster.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("cluster id %q: got %v, want an error", s, cluster)
		}
	}
}

func TestLabelsOrderByTermThenSequence(t *testing.T) {
	ascending := []partition.Label{{}, {Seq: 1}, {Term: 1}, {Term: 1, Seq: 1}, {Term: 1, Seq: 9}, {Term: 2}, {Term: 2, Seq: 1}}
	for i, a := range ascending {
		for j, b := range ascending {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := a.Compare(b); got != want {
				t.Errorf("%v.Compare(%v): got %d, want %d", a, b, got, want)
			}
		}
	}
}
