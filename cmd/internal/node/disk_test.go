package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

func TestTheReserveHasHysteresisAndIsAtMostAnEighthOfTheDisk(t *testing.T) {
	fs := vfs.NewMem()
	store, err := storage.Open(storage.Options{FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	d := &diskWatch{store: store, reserve: 1000}
	for _, step := range []struct {
		free, total int
		want        bool
	}{
		{1000, 100_000, false}, {999, 100_000, true}, {1249, 100_000, true}, {1250, 100_000, false},
		{1000, 100_000, false}, {499, 4000, true}, {600, 4000, true}, {625, 4000, false},
	} {
		fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: uint64(step.free), TotalBytes: uint64(step.total)})
		was := d.readOnly()
		changed, err := d.look()
		if got := d.readOnly(); err != nil || got != step.want || changed != (got != was) {
			t.Errorf("%d of %d free: read-only %t, changed %t, %v; want %t", step.free, step.total, got, changed, err, step.want)
		}
	}
	d.reserve = -1
	fs.TestingSetDiskUsage(vfs.DiskUsage{TotalBytes: 4000})
	if d.look(); d.readOnly() {
		t.Error("read-only without a reserve")
	}
}

// diskOf has a node keep its data on fs, which is as good as empty.
func (c *cluster) diskOf(fs *vfs.MemFS) func(*Config) {
	fs.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 10 << 30, TotalBytes: 100 << 30})
	dir := c.t.TempDir()
	return func(cfg *Config) { cfg.DataDir, cfg.FS = filepath.Join(dir, cfg.Name), fs }
}

func TestANodeWithAFullDiskMakesWayAndComesBack(t *testing.T) {
	inBubble(t, func(c *cluster) {
		full := vfs.NewMem()
		c.start("a", c.diskOf(full))
		for _, name := range []string{"b", "c"} {
			c.start(name, c.diskOf(vfs.NewMem()))
			c.join(name, "a")
		}
		write := func(round string) {
			for i := range 48 {
				c.put(string(rune('a'+i%3)), fmt.Sprint("key", i), round)
			}
		}
		write("before")
		full.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20, TotalBytes: 100 << 30})
		write("while it is found out")
		id := c.node("a").life().record.Node
		c.eventually(10*time.Second, "out of the in-sync sets", func() error {
			for p, row := range c.node("b").Ring().Table {
				if slices.Contains(row.InSync, id) {
					return fmt.Errorf("partition %d: %+v", p, row)
				}
			}
			return nil
		})
		if err := c.node("a").Ready(); err == nil {
			t.Error("the full node says that it is ready")
		}
		write("without it")
		for i := range 48 {
			if got := c.get("a", fmt.Sprint("key", i)); got != "without it" {
				t.Errorf("key %d through the full node: %q", i, got)
			}
		}
		full.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 10 << 30, TotalBytes: 100 << 30})
		c.eventually(30*time.Second, "settled again", func() error {
			if !c.node("b").Ring().Settled() {
				return errors.New("not settled")
			}
			return c.node("a").Ready()
		})
		write("after")
	})
}

func TestANodeWithAFullDiskThatIsAloneRefusesValuesAtOnce(t *testing.T) {
	inBubble(t, func(c *cluster) {
		full := vfs.NewMem()
		c.start("a", c.diskOf(full))
		c.put("a", "k", "v")
		full.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 1 << 20, TotalBytes: 100 << 30})
		c.eventually(time.Second, "read-only", func() error {
			if c.node("a").Ready() == nil {
				return errors.New("ready")
			}
			return nil
		})
		time.Sleep(diskEvery)
		began := time.Now()
		_, _, err := (table{c.node("a")}).Write(context.Background(), partition.Op{Kind: partition.OpPut, Key: []byte("k"), Value: []byte("w")})
		if !errors.Is(err, partition.ErrNoSpace) || time.Since(began) > time.Second {
			t.Errorf("a put after %v: %v, want %v at once", time.Since(began), err, partition.ErrNoSpace)
		}
		if got := c.get("a", "k"); got != "v" {
			t.Errorf("a read: %q, want v", got)
		}
		c.del("a", "k")
		full.TestingSetDiskUsage(vfs.DiskUsage{AvailBytes: 10 << 30, TotalBytes: 100 << 30})
		time.Sleep(2 * diskEvery)
		c.put("a", "k", "w")
	})
}

// What is gone from a data directory before a start is never taken for a new
// beginning.
func TestADataDirectoryOfWhichPartsAreGoneIsRefused(t *testing.T) {
	for what, want := range map[string]error{"store": ErrNoStore, "raft-1": ErrNoRaft} {
		dir := t.TempDir()
		inBubble(t, func(c *cluster) {
			onDisk := func(cfg *Config) { cfg.DataDir = dir }
			c.start("a", onDisk)
			c.put("a", "k", "v")
			c.stop("a")
			gone := filepath.Join(dir, what)
			if err := os.Rename(gone, gone+" away"); err != nil {
				t.Fatal(err)
			}
			cfg := c.config("a")
			onDisk(&cfg)
			_, err := Open(context.Background(), cfg)
			errIs(t, err, want)
			// The refused start may have begun an empty one.
			if err := errors.Join(os.RemoveAll(gone), os.Rename(gone+" away", gone)); err != nil {
				t.Fatal(err)
			}
			c.start("a", onDisk)
			if got := c.get("a", "k"); got != "v" {
				t.Errorf("%s brought back: %q, want v", what, got)
			}
		})
	}
}
