package storage_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

// Any sequence of changes leaves what the model says, with and without closing
// in between, and views stay what they were.
func TestTheStoreIsWhatTheModelSays(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		o := options(vfs.NewMem())
		kept := rapid.Bool().Draw(r, "on disk")
		if !kept {
			o = inMemory()
		}
		open := func() *storage.Store {
			s, err := storage.Open(o)
			if err != nil {
				r.Fatal(err)
			}
			return s
		}
		w := newWorkload(r, open(), 20, func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "pick") })
		old := oldViews{}
		r.Repeat(map[string]func(*rapid.T){
			"change": func(r *rapid.T) {
				if err := w.step(); err != nil {
					r.Fatal(err)
				}
			},
			"view": func(r *rapid.T) {
				old.close(r)
				old = viewAll(r, w)
			},
			"reopen": func(r *rapid.T) {
				if !kept {
					r.Skip("nothing is kept")
				}
				old.close(r)
				old = oldViews{}
				if err := w.store.Close(); err != nil {
					r.Fatal(err)
				}
				w.use(open())
			},
			"": func(r *rapid.T) {
				if got, want := draw(r, w.store), w.model.draw(); got != want {
					r.Fatalf("store holds\n%s\nwant\n%s", got, want)
				}
			},
		})
		old.close(r)
		if err := w.store.Close(); err != nil {
			r.Fatal(err)
		}
	})
}

// oldViews are views of all copies with the directory and the picture of when they
// were opened.
type oldViews struct {
	views     map[storage.Slot]*storage.View
	directory map[storage.Generation][]storage.Copy
	want      string
}

func viewAll(r *rapid.T, w *workload) oldViews {
	old := oldViews{map[storage.Slot]*storage.View{}, directories(r, w.store), w.model.drawCopies()}
	for _, copies := range old.directory {
		for _, c := range copies {
			old.views[c.Slot] = w.store.View(c.Slot)
		}
	}
	return old
}

// Keys, Log and Tombstones are those of the slot's view.
func (o oldViews) Keys(s storage.Slot, after []byte, f func([]byte, partition.Record) bool) error {
	return o.views[s].Keys(s, after, f)
}

func (o oldViews) Log(s storage.Slot, after partition.Seq, f func(partition.LogRecord) bool) error {
	return o.views[s].Log(s, after, f)
}

func (o oldViews) Tombstones(s storage.Slot, after []byte, f func([]byte) bool) error {
	return o.views[s].Tombstones(s, after, f)
}

// close checks the views and closes them.
func (o oldViews) close(r *rapid.T) {
	for _, copies := range o.directory {
		for i := range copies {
			pos, err := o.views[copies[i].Slot].Position(copies[i].Slot)
			if err != nil {
				r.Fatal(err)
			}
			copies[i].Position = pos
		}
	}
	if got := drawCopies(r, o, o.directory); got != o.want {
		r.Fatalf("views show\n%s\nwant\n%s", got, o.want)
	}
	for _, v := range o.views {
		if err := v.Close(); err != nil {
			r.Fatal(err)
		}
	}
}
