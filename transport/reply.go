package transport

import (
	"fmt"
	"sync/atomic"
)

// requestCost is what a request counts beside its body, in bytes.
const requestCost = 1 << 10

// serve hands a request to the Handler, unless too many are with it already.
func (c *conn) serve(id uint64, body []byte) {
	cost := int64(len(body) + requestCost)
	if c.t.requests.Add(cost) > c.t.cfg.RequestBytes {
		c.t.requests.Add(-cost)
		c.reply(newFrame(frameBusy, id, nil))
		return
	}
	var replied atomic.Bool
	c.t.cfg.Handler.Call(c.remote.Node, Lane(c.kind), body, func(body []byte) {
		if replied.Swap(true) {
			return
		}
		c.t.requests.Add(-cost)
		c.answer(id, body)
	})
}

// answer sends a reply, or says why there is none.
func (c *conn) answer(id uint64, body []byte) {
	if len(body) > c.limits.body {
		c.reply(newFrame(frameTooLarge, id, nil))
		return
	}
	if !c.send(c.limits.reply, newFrame(frameReply, id, body)) {
		c.reply(newFrame(frameLost, id, nil))
	}
}

// excuses is how many bytes of frameBusy, frameLost and frameTooLarge fit beyond
// the limit of replies.
const excuses = 1 << 20

// reply sends a frame without a body. An end that asks on and reads nothing is
// cut off.
func (c *conn) reply(f frame) {
	if !c.send(c.limits.reply+excuses, f) {
		c.close(fmt.Errorf("more than %d bytes of replies wait to be read", c.limits.reply))
	}
}
