package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"reflect"
	"strings"
	"testing"

	"pipelinedht/partition"
)

// everyCommand has one of each kind, with every field set.
var everyCommand = []command{
	&found{cluster: 1 << 60, settings: partition.Settings{Partitions: 65536, Replicas: 7, Hash: "xxhash64"}, stamp: 1 << 50, name: "n", address: "a:1"},
	&addPeer{id: 1 << 63, joinID: 2, stamp: 1 << 50, name: strings.Repeat("n", maxString), address: "a:1"},
	&abortJoin{1 << 63},
	&importDone{},
	&departing{4},
	&stay{5},
	&removePeer{6},
	&peerUp{"b:2"},
	&peerState{id: 7, incarnation: 8, turn: turnReplaced},
	&changeCopies{[]partition.Change{
		{Partition: 0, Epoch: 1, Primary: 9, InSync: ids{9, 1 << 62}},
		{Partition: 65535, Epoch: 1 << 40, Primary: 1 << 62, InSync: ids{1 << 62}, NewTerm: true},
	}},
	&forgetPeer{id: 1 << 63, giveUp: true},
}

func TestCommandsComeBackAsTheyWere(t *testing.T) {
	seen := make(map[commandKind]bool)
	for _, c := range everyCommand {
		h := header{proposer: 1 << 63, incarnation: 3, number: 1 << 40}
		h2, c2, err := decodeCommand(encodeCommand(h, c))
		if err != nil || h2 != h || !reflect.DeepEqual(c, c2) {
			t.Errorf("%+v %+v came back as %+v %+v, %v", h, c, h2, c2, err)
		}
		seen[c.kind()] = true
	}
	for k := commandKind(1); newCommand(k) != nil; k++ {
		if !seen[k] {
			t.Errorf("no example of command kind %d", k)
		}
	}
}

func TestDamagedCommandsAreNoticed(t *testing.T) {
	for _, c := range everyCommand {
		whole := encodeCommand(header{1, 2, 3}, c)
		for i := range whole {
			bad := bytes.Clone(whole)
			bad[i] ^= 0x10
			if _, _, err := decodeCommand(bad); err == nil {
				t.Fatalf("%T with byte %d changed was taken", c, i)
			}
			if _, _, err := decodeCommand(whole[:i]); err == nil {
				t.Fatalf("%T cut to %d bytes was taken", c, i)
			}
		}
	}
}

func TestANewerFormatIsNamed(t *testing.T) {
	b := encodeCommand(header{1, 2, 3}, &stay{4})
	b[0] = formatVersion + 1
	body := b[:len(b)-crc32.Size]
	binary.BigEndian.PutUint32(b[len(body):], crc32.Checksum(body, castagnoli))
	if _, _, err := decodeCommand(b); !errors.Is(err, ErrNewerFormat) {
		t.Fatalf("got %v", err)
	}
}

// TestTheLargestBatchFitsAFrame holds maxChanges against the 1 MiB that a call
// between nodes may have.
func TestTheLargestBatchFitsAFrame(t *testing.T) {
	c := &changeCopies{changes: make([]partition.Change, maxChanges)}
	for i := range c.changes {
		in := make(ids, 2*MaxReplicas)
		for j := range in {
			in[j] = partition.NodeID(i%200 + j)
		}
		c.changes[i] = partition.Change{Partition: MaxPartitions - 1, Epoch: 1 << 41, Primary: in[0], InSync: in}
	}
	if n := len(encodeCommand(header{1, 2, 3}, c)); n > 1<<20 {
		t.Fatalf("%d bytes", n)
	}
}

func FuzzDecodeCommand(f *testing.F) {
	for _, c := range everyCommand {
		b := encodeCommand(header{1, 2, 3}, c)
		f.Add(b[1 : len(b)-crc32.Size])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newWriter(len(body))
		w.b = append(w.b, body...)
		h, c, err := decodeCommand(w.seal())
		if err != nil {
			return
		}
		again := encodeCommand(h, c)
		h2, c2, err := decodeCommand(again)
		if err != nil || h2 != h || !reflect.DeepEqual(c2, c) {
			t.Fatalf("%+v %+v came back as %+v %+v, %v", h, c, h2, c2, err)
		}
	})
}

func FuzzDecodeRequestAndReply(f *testing.F) {
	for _, q := range []request{{kind: askPropose, entry: []byte("e")}, {kind: askStanding, about: 5}, {kind: askWithdraw, incarnation: 6}} {
		b := q.encode()
		f.Add(b[1 : len(b)-crc32.Size])
		b = reply{}.encode(q.kind)
		f.Add(b[1 : len(b)-crc32.Size])
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		w := newWriter(len(body))
		w.b = append(w.b, body...)
		b := w.seal()
		if q, err := decodeRequest(b); err == nil {
			if q2, err := decodeRequest(q.encode()); err != nil || !reflect.DeepEqual(q, q2) {
				t.Fatalf("%+v came back as %+v, %v", q, q2, err)
			}
		}
		for kind := askPropose; kind <= askWithdraw; kind++ {
			if p, err := decodeReply(b, kind); err == nil {
				if p2, err := decodeReply(p.encode(kind), kind); err != nil || p != p2 {
					t.Fatalf("%+v came back as %+v, %v", p, p2, err)
				}
			}
		}
	})
}
