package dialect

import "testing"

func TestTheChecksumIsXMODEMs(t *testing.T) {
	t.Parallel()
	// The check value of the CRC catalogues, and one that begins with what a
	// remainder of 0 would not notice.
	for text, want := range map[string]uint16{"": 0, "123456789": 0x31c3, "\x00\x00\x01": 0x1021} {
		if got := crc16([]byte(text)); got != want {
			t.Errorf("checksum of %q: got %#x, want %#x", text, got, want)
		}
	}
}

func TestKeysAreInRedisSlots(t *testing.T) {
	t.Parallel()
	// As CLUSTER KEYSLOT of Redis 7.0 answers.
	for key, want := range map[string]int{"foo": 12182, "somekey": 11058, "key-000000000000": 11841, "key-000000099999": 106} {
		if got := Slot([]byte(key)); got != want {
			t.Errorf("slot of %s: got %d, want %d", key, got, want)
		}
	}
}
