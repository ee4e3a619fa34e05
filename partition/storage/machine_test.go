package storage_test

import (
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"pgregory.net/rapid"

	"pipelinedht/partition/storage"
)

// Any sequence of changes leaves what the model says, with and without closing
// in between, and views stay what they were.
func TestTheStoreIsWhatTheModelSays(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		o := options(vfs.NewMem())
		if o.Sync = rapid.Bool().Draw(r, "sync"); !o.Sync {
			o.FS = storage.NewMemory()
		}
		open := func() *storage.Store {
			s, err := storage.Open(o)
			if err != nil {
				r.Fatal(err)
			}
			return s
		}
		w := newWorkload(r, open(), 20, func(n int) int { return rapid.IntRange(0, n-1).Draw(r, "pick") })
		old := oldView{}
		r.Repeat(map[string]func(*rapid.T){
			"change": func(r *rapid.T) {
				if err := w.step(); err != nil {
					r.Fatal(err)
				}
			},
			"view": func(r *rapid.T) {
				old.close(r)
				old = oldView{w.store.View(), directories(r, w.store), w.model.drawCopies()}
			},
			"reopen": func(r *rapid.T) {
				old.close(r)
				old = oldView{}
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

// oldView is a view with the directory and the picture of when it was opened.
type oldView struct {
	view      *storage.View
	directory map[storage.Generation][]storage.Copy
	want      string
}

// close checks the view and closes it.
func (o oldView) close(r *rapid.T) {
	if o.view == nil {
		return
	}
	for _, copies := range o.directory {
		for i := range copies {
			pos, err := o.view.Position(copies[i].Slot)
			if err != nil {
				r.Fatal(err)
			}
			copies[i].Position = pos
		}
	}
	if got := drawCopies(r, o.view, o.directory); got != o.want {
		r.Fatalf("view shows\n%s\nwant\n%s", got, o.want)
	}
	if err := o.view.Close(); err != nil {
		r.Fatal(err)
	}
}
