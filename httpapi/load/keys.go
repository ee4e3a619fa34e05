package load

import (
	"fmt"
	"strconv"
)

// Keys are the keys of a load, numbered from 0. All are of the same length, and of
// letters, digits, '-', '.', '_' and '~' only, so that every protocol takes them as
// they are.
type Keys interface {
	Count() int
	// Append appends the key with that number, and is safe to call from several
	// goroutines.
	Append(to []byte, number int) []byte
}

// numberDigits is how long the number in a numbered key is.
const numberDigits = 12

// Numbered returns the keys of a prefix with a number of twelve digits.
func Numbered(prefix string, count int) Keys { return numbered{prefix, count} }

type numbered struct {
	prefix string
	count  int
}

func (k numbered) Count() int { return k.count }

func (k numbered) Append(to []byte, number int) []byte {
	var digits [numberDigits]byte
	for i := range digits {
		digits[numberDigits-1-i] = byte('0' + number%10)
		number /= 10
	}
	return append(append(to, k.prefix...), digits[:]...)
}

// Listed returns these keys.
func Listed(keys []string) Keys { return listed(keys) }

type listed []string

func (k listed) Count() int                          { return len(k) }
func (k listed) Append(to []byte, number int) []byte { return append(to, k[number]...) }

// checkKeys says why keys do not fit a load; it looks at the first one only.
func checkKeys(k Keys) error {
	if k == nil || k.Count() < 1 {
		return fmt.Errorf("a load needs keys")
	}
	first := k.Append(nil, 0)
	if len(first) == 0 {
		return fmt.Errorf("a key is empty")
	}
	for _, b := range first {
		letter := 'a' <= b|0x20 && b|0x20 <= 'z' || '0' <= b && b <= '9'
		if !letter && b != '-' && b != '.' && b != '_' && b != '~' {
			return fmt.Errorf("the key %s has a %s: letters, digits, '-', '.', '_' and '~' may be in it",
				strconv.Quote(string(first)), strconv.QuoteRune(rune(b)))
		}
	}
	return nil
}
