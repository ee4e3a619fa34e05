package host

import (
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/replica"
)

// Message takes in what Net.Send brought from another node's Host; body is the
// Host's from then on. It does not block.
func (h *Host) Message(from partition.NodeID, inc partition.Incarnation, lane replica.Lane, body []byte) {
	messages, err := decodeMessages(body)
	if err != nil {
		h.log.Error("message from a peer", "from", from, "lane", lane, "bytes", len(body), "error", err)
		return
	}
	h.step(func(core *replica.Node, now time.Duration) {
		for _, m := range messages {
			switch m := m.(type) {
			case *replica.Append:
				h.clients.note()
			case *replica.Commits:
				h.view.Load().heard(from, m)
			}
			core.Receive(from, inc, m, now)
		}
	})
}

// Refused tells that a peer's address refused a connection: its process is gone.
func (h *Host) Refused(peer partition.NodeID) {
	h.step(func(core *replica.Node, now time.Duration) { core.Refused(peer, now) })
}

// Lost tells that a connection to a peer broke.
func (h *Host) Lost(peer partition.NodeID) {
	h.view.Load().lost(peer)
	h.step(func(core *replica.Node, now time.Duration) { core.Lost(peer, now) })
}
