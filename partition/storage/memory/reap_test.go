package memory

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"
)

// numbered returns a map with so many records.
func numbered(t *testing.T, a *Arena, records int) *Map {
	t.Helper()
	m := New(a)
	m.Lock()
	defer m.Unlock()
	for i := range records {
		if err := m.Set(binary.BigEndian.AppendUint32(nil, uint32(i)), nil); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

func empty(m *Map) {
	m.Lock()
	defer m.Unlock()
	m.DeleteRange(nil, nil)
}

func TestTheRoomOfALargeMapIsGotBackLittleByLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(Arena)
		defer a.Close()
		const pauses = 10
		m := numbered(t, a, pauses*reapAtOnce)
		all := a.Bytes()
		empty(m)
		if !m.Empty() {
			t.Error("there still are keys")
		}
		for i := range int64(pauses) {
			synctest.Wait()
			if got, want := a.Bytes(), all-all/pauses*(i+1); got != want {
				t.Errorf("after %d pauses: %d bytes, want %d", i, got, want)
			}
			time.Sleep(reapPause)
		}
	})
}

func TestAClosedArenaHasAllRoomBackAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := new(Arena)
		began := time.Now()
		for range 3 {
			empty(numbered(t, a, 10*reapAtOnce))
		}
		a.Close()
		if took := time.Since(began); a.Bytes() != 0 || took > reapPause {
			t.Errorf("%d bytes left after %v", a.Bytes(), took)
		}
	})
}
