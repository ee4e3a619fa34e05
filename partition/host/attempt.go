package host

import (
	"errors"

	"pipelinedht/partition"
)

// run is the attempts at one write, under as few names as keep it from being
// carried out twice.
//
// An attempt that surely did nothing leaves the operation as it was. After one
// that may have been carried out only the same ID may be sent again: a primary
// that knows it answers with the first outcome, and one that cannot know refuses
// (partition.ErrFloor). If it ends so, its outcome is unknown.
type run struct {
	h      *Host
	floor  *floor // of the op's partition, by the view of the latest attempt
	op     *partition.Op
	unsure bool // an attempt may have been carried out
}

// name gives the operation an ID that nobody has seen.
func (r *run) name() {
	r.op.ID = partition.OpID{
		Node: r.h.cfg.Self, Incarnation: r.h.cfg.Incarnation, Counter: r.h.counter.Add(1),
	}
	r.op.Attempt = 1
	r.op.Floor = r.floor.at()
}

// follow has the next attempt go by a newer view. As long as the operation was surely
// not carried out, what has been heard meanwhile is its floor. Where the partition has
// begun anew since it may have been, its floor means nothing there.
func (r *run) follow(f *floor) {
	switch {
	case !r.unsure:
		r.floor, r.op.Floor = f, f.at()
	case r.floor != f:
		r.floor, r.op.Floor = f, 0
	}
}

// ask sees to a floor that will do before the operation is sent to another node, its
// primary: that is asked if there is none. (The Host is not r's own, lest the operation
// be moved to the heap for it.)
func (r *run) ask(h *Host, t *trial, v *view, p partition.ID) error {
	if r.unsure || r.floor.current(v.m.Table[p].Primary) {
		return nil
	}
	if err := h.askCommits(t, v, p); err != nil {
		return err
	}
	r.op.Floor = r.floor.at()
	return nil
}

// didNothing reports whether an attempt that ended with err surely took no effect
// and will take none.
func didNothing(err error) bool {
	switch {
	case errors.Is(err, partition.ErrUnknown):
		return false
	case errors.Is(err, ErrNotSent), errors.Is(err, partition.ErrNotPrimary),
		errors.Is(err, partition.ErrUnavailable), errors.Is(err, partition.ErrFloor):
		return true
	}
	return false
}

// after makes the operation ready for the attempt that follows one that ended with
// err. final: there must be none.
func (r *run) after(err error) (final bool) {
	if !didNothing(err) {
		r.unsure = true
	}
	if r.unsure {
		r.op.Attempt++
		return errors.Is(err, partition.ErrFloor)
	}
	if errors.Is(err, partition.ErrFloor) {
		r.name() // the refusal has brought a floor that will do
		r.op.Renamed = true
	}
	return false
}

// verdict is what is known of the operation when its attempts end.
func (r *run) verdict() error {
	if r.unsure {
		return partition.ErrUnknown
	}
	return partition.ErrUnavailable
}
