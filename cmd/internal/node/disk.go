package node

import (
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"pipelinedht/partition"
	"pipelinedht/partition/storage"
)

const (
	// DefaultDiskReserve is Config.DiskReserve's default, in bytes.
	DefaultDiskReserve = 256 << 20
	// leastShare of the disk is the most that is held in reserve: an eighth.
	leastShare = 8
	// diskEvery is how often free space is looked up; it takes microseconds.
	diskEvery = 250 * time.Millisecond
)

// diskWatch watches how much space is free, and says when it is below the reserve. It
// says so until a quarter of the reserve more is free, so that it does not change
// with every file that comes and goes.
type diskWatch struct {
	store   *storage.Store
	reserve int64 // as configured; below 0: none

	space atomic.Pointer[diskSpace] // nil: there is no disk
}

// diskSpace is what was found last, in bytes.
type diskSpace struct {
	Free     uint64 `json:"free"`
	Total    uint64 `json:"total"`
	Reserve  uint64 `json:"reserve"`
	ReadOnly bool   `json:"read_only"` // Free is, or was lately, below Reserve
}

// look finds out how much space there is; changed: whether ReadOnly differs from
// what it was.
func (d *diskWatch) look() (changed bool, err error) {
	free, total, err := d.store.Space()
	if err != nil || total == math.MaxUint64 {
		return false, err
	}
	s := diskSpace{Free: free, Total: total}
	if d.reserve > 0 {
		s.Reserve = min(uint64(d.reserve), total/leastShare)
	}
	was := d.readOnly()
	wanted := s.Reserve
	if was {
		wanted += wanted / 4
	}
	s.ReadOnly = free < wanted
	d.space.Store(&s)
	return s.ReadOnly != was, nil
}

func (d *diskWatch) readOnly() bool {
	s := d.space.Load()
	return s != nil && s.ReadOnly
}

// watchDisk has the copies know whether the disk is nearly full, until the node
// ends.
func (n *Node) watchDisk() {
	ticker := time.NewTicker(diskEvery)
	defer ticker.Stop()
	failing := false
	for {
		if h := n.life().host.Load(); h != nil {
			h.SetFull(n.disk.readOnly())
		}
		select {
		case <-n.ctx.Done():
			return
		case <-ticker.C:
		}
		changed, err := n.disk.look()
		if err != nil && !failing {
			n.log.Error("free disk space is not known", "error", err)
		}
		failing = err != nil
		s := n.disk.space.Load()
		switch {
		case !changed:
		case s.ReadOnly:
			n.log.Error("the disk is nearly full: this node takes no new values until there is more space",
				"dir", n.cfg.DataDir, "free", s.Free, "reserve", s.Reserve)
		default:
			n.log.Info("the disk has space again", "dir", n.cfg.DataDir, "free", s.Free)
		}
	}
}

// spaceError returns nil unless the node is read-only for want of disk space.
func (n *Node) spaceError() error {
	if s := n.disk.space.Load(); s != nil && s.ReadOnly {
		return fmt.Errorf("%w: %d MiB are free in %s, below the reserve of %d MiB, so this node takes no new values: make space, or start it with a smaller --disk-reserve",
			partition.ErrUnavailable, s.Free>>20, n.cfg.DataDir, s.Reserve>>20)
	}
	return nil
}
