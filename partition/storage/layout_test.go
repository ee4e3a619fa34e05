package storage_test

import (
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// The bytes on disk, as doc.go lays them out. A change here is a change of the
// format version.
func TestLayoutOnDisk(t *testing.T) {
	fs := vfs.NewMem()
	s := openOnly(t, fs)
	if err := s.SetMeta(map[string][]byte{"name": []byte("peer1")}); err != nil {
		t.Fatal(err)
	}
	slot := create(t, s, 8, 0x0102)
	commit(t, s, func(b *storage.Batch) {
		e := put(5, 1, "k", "value")
		e.Stamp, e.Import, e.Existed = 0x1122334455667788, true, true
		e.Op = partition.OpID{Node: 0xa1a2a3a4a5a6a7a8, Incarnation: 0xb1b2, Counter: 0xc1c2c3}
		b.Append(slot, put(5, 1, "gone", "x"), 0)
		e.Label.Seq = 2
		b.Append(slot, e, 1)
		b.Append(slot, remove(6, 3, "t", true), 2)
		b.Append(slot, remove(6, 4, "gone", false), 2)
		b.Trim(slot, 1)
		b.SetMark(slot, &partition.Mark{Fresh: true, Common: 9, Extra: [][]byte{[]byte("e1"), []byte("")}})
	})
	closeStore(t, s)

	want := strings.Join([]string{
		// slot 0: format, next slot, directory, metadata
		"0000000000000000" + "01 -> 0000000000000001",
		"0000000000000000" + "02 -> 0000000000000002",
		"0000000000000000" + "03" + "0000000000000008" + "00000102 -> 0000000000000001" + "0000000000000000" + "0000000000000000",
		"0000000000000000" + "04" + "6e616d65 -> 7065657231",
		// slot 1: base (sequence, term, first, stamp, commit)
		"0000000000000001" + "01 -> 0000000000000001" + "0000000000000005" + "0000000000000001" + "00000000000003ec" + "0000000000000002",
		// mark (flags, common, keys)
		"0000000000000001" + "02 -> 01" + "0000000000000009" + "00000002" + "6531" + "00000000",
		// log (term, flags, node, incarnation, counter, stamp, commit, key)
		"0000000000000001" + "03" + "0000000000000002 -> 0000000000000005" + "0d" + "a1a2a3a4a5a6a7a8" + "000000000000b1b2" + "0000000000c1c2c3" + "1122334455667788" + "0000000000000001" + "6b",
		"0000000000000001" + "03" + "0000000000000003 -> 0000000000000006" + "0b" + "0000000000000000" + "0000000000000000" + "0000000000000000" + "00000000000003eb" + "0000000000000002" + "74",
		"0000000000000001" + "03" + "0000000000000004 -> 0000000000000006" + "0a" + "0000000000000000" + "0000000000000000" + "0000000000000000" + "00000000000003ec" + "0000000000000002" + "676f6e65",
		// data (CRC-32C, stamp, flags, value)
		"0000000000000001" + "04" + "6b -> 6c633b5f" + "1122334455667788" + "00" + "76616c7565",
		"0000000000000001" + "04" + "74 -> 710c9f0d" + "00000000000003eb" + "01",
		// tombstones
		"0000000000000001" + "05" + "74 -> ",
		"",
	}, "\n")
	if got := dump(t, fs); got != want {
		t.Errorf("database holds\n%s\nwant\n%s", got, want)
	}
}
