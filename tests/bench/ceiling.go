package main

import (
	"context"
	"os"
	"time"

	"pipelinedht/httpapi/load"
)

const (
	fsyncBlock = 4 << 10   // bytes
	writeBlock = 256 << 10 // bytes: as much as a transfer sends at once
	copyArea   = 64 << 20  // bytes: more than a cache holds
)

// repeated returns the line of something that this process does again and again,
// alone, without a server.
func repeated(name string, do func() error) *line {
	round := func(ctx context.Context, d time.Duration) (*sample, error) {
		s := &sample{new(load.Result), unknownExpense()}
		begun := time.Now()
		for at := begun; at.Sub(begun) < d; {
			if err := do(); err != nil {
				return nil, err
			}
			now := time.Now()
			s.Writes.Add(now.Sub(at))
			at = now
		}
		s.Elapsed = time.Since(begun)
		return s, ctx.Err()
	}
	return &line{name: name, round: round}
}

// fsyncs is the disk alone: 4 KiB after 4 KiB is appended to a file and fsynced.
// The file goes with close.
func (b *bench) fsyncs() (l *line, close func(), err error) {
	f, err := os.CreateTemp(b.work, "fsync-")
	if err != nil {
		return nil, nil, err
	}
	block := make([]byte, fsyncBlock)
	l = repeated("bare fsync of 4 KiB", func() error {
		if _, err := f.Write(block); err != nil {
			return err
		}
		return f.Sync()
	})
	return l, func() { f.Close() }, nil
}

// written returns how long so many bytes take to one new file, with one fsync.
func (b *bench) written(bytes int) (time.Duration, error) {
	f, err := os.CreateTemp(b.work, "written-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := load.RandomValue(writeBlock)
	begun := time.Now()
	for ; bytes > 0; bytes -= writeBlock {
		if _, err := f.Write(block[:min(bytes, writeBlock)]); err != nil {
			return 0, err
		}
	}
	err = f.Sync()
	return time.Since(begun), err
}

// copies is memory alone: values of that length are copied from one place to
// another by one core.
func copies(valueBytes int) *line {
	from, to := load.RandomValue(copyArea), make([]byte, copyArea)
	at := 0
	return repeated("memory copy, one core", func() error {
		if at += valueBytes; at+valueBytes > copyArea {
			at = 0
		}
		copy(to[at:at+valueBytes], from[at:at+valueBytes])
		return nil
	})
}
