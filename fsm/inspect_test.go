package fsm

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"testing"
	"testing/synctest"
)

func TestADirectoryTellsTheMapItsNodeHad(t *testing.T) {
	for _, snapshot := range []bool{false, true} {
		t.Run(fmt.Sprintf("snapshot %v", snapshot), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var dir string
				within := onDisk(t)
				c := grown(t, 3, func(cfg *Config) {
					within(cfg)
					if cfg.Self == 2 {
						dir = cfg.Dir
					}
				})
				c.settle()
				c.together()
				r := c.up[2]
				if snapshot {
					if err := r.raft.Snapshot().Error(); err != nil {
						t.Fatal(err)
					}
				}
				want, last := r.Map(), r.raft.LastIndex()
				if _, err := Inspect(dir, 7, 2, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrLocked) {
					t.Errorf("while the node runs: %v, want ErrLocked", err)
				}
				c.stop(2)
				got, err := Inspect(dir, 7, 2, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				if got.Map == nil || got.Map.Version < want.Version || got.Index < last || got.Term == 0 {
					t.Fatalf("got %+v, want version %d, index %d", got, want.Version, last)
				}
				if got.Map.Version == want.Version && !reflect.DeepEqual(got.Map, want) {
					t.Errorf("got the map %+v, want %+v", got.Map, want)
				}
				if _, err := Inspect(dir, 7, 3, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrForeign) {
					t.Errorf("as another node: %v, want ErrForeign", err)
				}
			})
		})
	}
	if _, err := Inspect(filepath.Join(t.TempDir(), "none"), 7, 2, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a directory that is not there was read")
	}
}
