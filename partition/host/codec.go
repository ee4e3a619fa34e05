package host

import (
	"encoding/binary"
	"errors"

	"pipelinedht/partition"
)

// A forwarded operation is one call. Numbers are uvarints.
//
//	read    'g' | key
//	commits 'c'
//	write   'w' | kind 1 | flags 1 | node | incarnation | counter | attempt |
//	        floor | term | stamp | since | [stamps: count, stamp*] | key length | key | value
//
// where flags are of the condition, bit 0 IfAbsent, bit 1 IfPresent, bit 2 IfStamp,
// whose stamps follow; and bit 3 Renamed. The replies:
//
//	read    0: absent
//	        1 | stamp | value: found
//	        2: too large for the lane, ask on Bulk
//	write   0 | flags 1 (bit 0: failed, bit 1: existed) | stamp | commit
//	commits 0 | a replica.Commits, of all partitions that the node serves
//	all     16 + kind of error | commit | text
const (
	callGet     = 'g'
	callCommits = 'c'
	callWrite   = 'w'

	replyAbsent = 0
	replyFound  = 1
	replyBulk   = 2
	replyDone   = 0
	replyError  = 16
)

// smallBytes is the size in bytes up to which operations and values travel on the
// Small lane.
const smallBytes = 256 << 10

// appendGet appends a read of key to buf.
func appendGet(buf, key []byte) []byte { return append(append(buf, callGet), key...) }

// appendWrite appends an operation to buf.
func appendWrite(buf []byte, op *partition.Op) []byte {
	var flags byte
	c := &op.Condition
	if c.IfAbsent {
		flags |= 1
	}
	if c.IfPresent {
		flags |= 2
	}
	if c.IfStamp != nil {
		flags |= 4
	}
	if op.Renamed {
		flags |= 8
	}
	buf = append(buf, callWrite, byte(op.Kind), flags)
	for _, n := range [...]uint64{
		uint64(op.ID.Node), uint64(op.ID.Incarnation), op.ID.Counter, uint64(op.Attempt),
		uint64(op.Floor), uint64(op.Term), uint64(op.Stamp), uint64(op.Since),
	} {
		buf = binary.AppendUvarint(buf, n)
	}
	if c.IfStamp != nil {
		buf = binary.AppendUvarint(buf, uint64(len(c.IfStamp)))
		for _, s := range c.IfStamp {
			buf = binary.AppendUvarint(buf, uint64(s))
		}
	}
	buf = binary.AppendUvarint(buf, uint64(len(op.Key)))
	buf = append(buf, op.Key...)
	return append(buf, op.Value...)
}

var errCall = errors.New("malformed call")

// decodeWrite reads what appendWrite wrote after its first byte. Key and Value are
// parts of body.
func decodeWrite(body []byte) (op partition.Op, err error) {
	if len(body) < 2 {
		return op, errCall
	}
	op.Kind = partition.OpKind(body[0])
	flags := body[1]
	d := decoder{b: body[2:]}
	op.Condition.IfAbsent, op.Condition.IfPresent = flags&1 != 0, flags&2 != 0
	op.Renamed = flags&8 != 0
	op.ID.Node = partition.NodeID(d.num())
	op.ID.Incarnation = partition.Incarnation(d.num())
	op.ID.Counter = d.num()
	op.Attempt = int(d.num())
	op.Floor = partition.Seq(d.num())
	op.Term = partition.Term(d.num())
	op.Stamp = partition.Stamp(d.num())
	op.Since = partition.Version(d.num())
	if flags&4 != 0 {
		n := d.num()
		if n > uint64(len(d.b)) {
			return op, errCall
		}
		op.Condition.IfStamp = make([]partition.Stamp, n)
		for i := range op.Condition.IfStamp {
			op.Condition.IfStamp[i] = partition.Stamp(d.num())
		}
	}
	n := d.num()
	if d.bad || n > uint64(len(d.b)) || op.Kind < partition.OpPut || op.Kind > partition.OpSweep ||
		op.Attempt < 1 || op.Term == 0 {
		return op, errCall
	}
	op.Key, op.Value = d.b[:n:n], d.b[n:]
	return op, nil
}

// decoder reads uvarints; bad is set at the first that is none.
type decoder struct {
	b   []byte
	bad bool
}

func (d *decoder) num() uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.bad, d.b = true, nil
		return 0
	}
	d.b = d.b[n:]
	return v
}
