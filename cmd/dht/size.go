package main

import (
	"fmt"
	"strconv"
	"strings"
)

// size is a flag's number of bytes: 4096, 64KiB, 16MiB or 1GiB.
type size int

// sizeUnits are the suffixes, the largest first.
var sizeUnits = []struct {
	suffix string
	bytes  int
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// maxSize keeps a size times its unit within an int.
const maxSize = 1 << 40

// String implements pflag.Value.
func (s *size) String() string {
	for _, unit := range sizeUnits {
		if n := int(*s); n != 0 && n%unit.bytes == 0 {
			return strconv.Itoa(n/unit.bytes) + unit.suffix
		}
	}
	return strconv.Itoa(int(*s))
}

// Set implements pflag.Value.
func (s *size) Set(text string) error {
	number, scale := text, 1
	for _, unit := range sizeUnits {
		if cut, ok := strings.CutSuffix(text, unit.suffix); ok {
			number, scale = cut, unit.bytes
			break
		}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n > maxSize/uint64(scale) {
		return fmt.Errorf("%q is no size: give a number of bytes, or one such as 64KiB, 16MiB, 1GiB", text)
	}
	*s = size(int(n) * scale)
	return nil
}

// Type implements pflag.Value.
func (s *size) Type() string { return "size" }
