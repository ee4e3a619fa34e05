package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"pipelinedht/partition"
)

// A forwarded operation is one call. Numbers are uvarints.
//
//	read    'g' | key
//	write   'w' | kind 1 | flags 1 | node | incarnation | counter | attempt |
//	        floor | term | stamp | [stamps: count, stamp*] | key length | key | value
//
// where flags are of the condition: bit 0 IfAbsent, bit 1 IfPresent, bit 2 IfStamp,
// whose stamps follow. The replies:
//
//	read    0: absent
//	        1 | stamp | value: found
//	        2: too large for the lane, ask on Bulk
//	write   0 | flags 1 (bit 0: failed, bit 1: existed) | stamp | commit
//	both    16 + kind of error | commit | text
const (
	callGet   = 'g'
	callWrite = 'w'

	replyAbsent = 0
	replyFound  = 1
	replyBulk   = 2
	replyDone   = 0
	replyError  = 16
)

// smallBytes is the size in bytes up to which operations and values travel on the
// Small lane.
const smallBytes = 256 << 10

// maxReplyText bounds the text of an error that crosses the wire, in bytes.
const maxReplyText = 512

// errAskBulk: the value is there but does not suit the lane.
var errAskBulk = errors.New("value too large for the lane")

// wireErrors are the errors that cross the wire, by number. The list is only ever
// appended to.
var wireErrors = [...]error{
	1: partition.ErrUnavailable,
	2: partition.ErrNotPrimary,
	3: partition.ErrFloor,
	4: partition.ErrUnknown,
}

// remoteError is what another node answered: one of wireErrors, in its words.
type remoteError struct {
	kind error
	text string
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.kind }

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
	buf = append(buf, callWrite, byte(op.Kind), flags)
	for _, n := range [...]uint64{
		uint64(op.ID.Node), uint64(op.ID.Incarnation), op.ID.Counter, uint64(op.Attempt),
		uint64(op.Floor), uint64(op.Term), uint64(op.Stamp),
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
	op.ID.Node = partition.NodeID(d.num())
	op.ID.Incarnation = partition.Incarnation(d.num())
	op.ID.Counter = d.num()
	op.Attempt = int(d.num())
	op.Floor = partition.Seq(d.num())
	op.Term = partition.Term(d.num())
	op.Stamp = partition.Stamp(d.num())
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

// appendRead appends the reply to a read.
func appendRead(buf []byte, found bool, r *partition.Record) []byte {
	if !found {
		return append(buf, replyAbsent)
	}
	buf = binary.AppendUvarint(append(buf, replyFound), uint64(r.Stamp))
	return append(buf, r.Value...)
}

// decodeRead reads the reply to a read. The value is part of reply.
func decodeRead(reply []byte) (res partition.Result, err error) {
	if len(reply) == 0 {
		return res, errReply
	}
	switch reply[0] {
	case replyAbsent:
		return res, nil
	case replyFound:
		d := decoder{b: reply[1:]}
		res.Found, res.Record.Stamp = true, partition.Stamp(d.num())
		res.Record.Value = d.b
		if d.bad {
			return partition.Result{}, errReply
		}
		return res, nil
	case replyBulk:
		return res, errAskBulk
	}
	_, err = decodeError(reply)
	return res, err
}

// appendOutcome appends the reply to a write that was carried out.
func appendOutcome(buf []byte, o *partition.Outcome) []byte {
	var flags byte
	if o.Failed {
		flags |= 1
	}
	if o.Existed {
		flags |= 2
	}
	buf = binary.AppendUvarint(append(buf, replyDone, flags), uint64(o.Stamp))
	return binary.AppendUvarint(buf, uint64(o.Commit))
}

// errReply is wrapped in no error that tells what happened, so it says that
// anything may have.
var errReply = fmt.Errorf("%w: malformed reply", partition.ErrUnknown)

// decodeOutcome reads the reply to a write. With partition.ErrFloor the outcome
// has a commit sequence.
func decodeOutcome(reply []byte) (o partition.Outcome, err error) {
	switch {
	case len(reply) < 2:
		return o, errReply
	case reply[0] != replyDone:
		o.Commit, err = decodeError(reply)
		return o, err
	}
	o.Failed, o.Existed = reply[1]&1 != 0, reply[1]&2 != 0
	d := decoder{b: reply[2:]}
	o.Stamp, o.Commit = partition.Stamp(d.num()), partition.Seq(d.num())
	if d.bad {
		return partition.Outcome{}, errReply
	}
	return o, nil
}

// appendError appends the reply to a call that failed. An error that is none of
// wireErrors crosses as partition.ErrUnavailable.
func appendError(buf []byte, err error, commit partition.Seq) []byte {
	kind := 1
	for i := len(wireErrors) - 1; i > 0; i-- { // ErrUnknown before what promises more
		if errors.Is(err, wireErrors[i]) {
			kind = i
			break
		}
	}
	buf = binary.AppendUvarint(append(buf, byte(replyError+kind)), uint64(commit))
	text := err.Error()
	return append(buf, text[:min(len(text), maxReplyText)]...)
}

// decodeError reads an error reply.
func decodeError(reply []byte) (partition.Seq, error) {
	kind := int(reply[0]) - replyError
	if kind < 1 || kind >= len(wireErrors) {
		return 0, errReply
	}
	d := decoder{b: reply[1:]}
	commit := partition.Seq(d.num())
	if d.bad {
		return 0, errReply
	}
	text := string(d.b[:min(len(d.b), maxReplyText)])
	if !utf8.ValidString(text) || text == "" {
		text = wireErrors[kind].Error()
	}
	return commit, &remoteError{kind: wireErrors[kind], text: text}
}
