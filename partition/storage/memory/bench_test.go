package memory

import (
	"encoding/binary"
	"testing"
)

const (
	benchMaps = 341
	benchKeys = 333_000
)

func benchKey(buf []byte, i uint64) (key []byte, m int) {
	i %= benchKeys
	binary.BigEndian.PutUint64(buf, i*0x9e3779b97f4a7c15) // spread
	binary.BigEndian.PutUint64(buf[8:], i)
	return buf, int(i % benchMaps)
}

func benchMap(b *testing.B) []*Map {
	a := new(Arena)
	all := make([]*Map, benchMaps)
	for i := range all {
		all[i] = New(a)
	}
	buf, val := make([]byte, 16), make([]byte, 113)
	for i := range uint64(benchKeys) {
		key, m := benchKey(buf, i)
		if err := all[m].Set(key, val); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(a.Bytes())/benchKeys, "B/key")
	return all
}

// BenchmarkSet overwrites records of 129 bytes.
func BenchmarkSet(b *testing.B) {
	all := benchMap(b)
	buf, val := make([]byte, 16), make([]byte, 113)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i += 7919 {
		key, m := benchKey(buf, i)
		all[m].Lock()
		if err := all[m].Set(key, val); err != nil {
			b.Fatal(err)
		}
		all[m].Unlock()
	}
}

// BenchmarkGet reads them.
func BenchmarkGet(b *testing.B) {
	all := benchMap(b)
	buf := make([]byte, 16)
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i += 7919 {
		key, m := benchKey(buf, i)
		_, closer, found := all[m].Get(key)
		if !found {
			b.Fatal("not found")
		}
		closer.Close()
	}
}

// BenchmarkSetLarge overwrites records of 1 MiB.
func BenchmarkSetLarge(b *testing.B) {
	m := New(new(Arena))
	key, val := make([]byte, 16), make([]byte, 1<<20)
	b.SetBytes(int64(len(val)))
	for i := uint64(0); b.Loop(); i++ {
		binary.BigEndian.PutUint64(key, i%16)
		m.Lock()
		if err := m.Set(key, val); err != nil {
			b.Fatal(err)
		}
		m.Unlock()
	}
}
