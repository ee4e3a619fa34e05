package dialect

// Slots is how many slots Redis Cluster divides its keys over.
const Slots = 16384

// crcPolynomial is that of CRC-16/XMODEM, which begins with 0 and reflects nothing.
const crcPolynomial = 0x1021

// crcTable has the remainder of each byte.
var crcTable = func() (table [256]uint16) {
	for i := range table {
		remainder := uint16(i) << 8
		for range 8 {
			carry := remainder >> 15
			remainder = remainder<<1 ^ carry*crcPolynomial
		}
		table[i] = remainder
	}
	return table
}()

func crc16(data []byte) uint16 {
	var remainder uint16
	for _, b := range data {
		remainder = remainder<<8 ^ crcTable[byte(remainder>>8)^b]
	}
	return remainder
}

// Slot returns the slot of a key without braces: those would mark the part of it
// that counts.
func Slot(key []byte) int { return int(crc16(key) % Slots) }
