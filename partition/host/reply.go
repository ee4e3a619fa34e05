package host

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

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
	5: partition.ErrNoSpace,
}

// remoteError is what another node answered: one of wireErrors, in its words.
type remoteError struct {
	kind error
	text string
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.kind }

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

// decodeCommits reads the reply to a node that asks how far partitions are.
func decodeCommits(reply []byte) (*replica.Commits, error) {
	switch {
	case len(reply) == 0:
		return nil, errReply
	case reply[0] != replyDone:
		_, err := decodeError(reply)
		return nil, err
	}
	m, err := replica.DecodeMessage(reply[1:])
	if err != nil {
		return nil, err
	}
	commits, ok := m.(*replica.Commits)
	if !ok {
		return nil, errReply
	}
	return commits, nil
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
