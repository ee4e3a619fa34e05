package main

import (
	"os"
	"slices"
	"time"
)

// fsyncTime returns the median time to append 4 KiB to a file in dir and to have
// it on the disk.
func fsyncTime(dir string) (time.Duration, error) {
	const tries = 101
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	block := make([]byte, 4<<10)
	var times []time.Duration
	for range tries {
		begun := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, err
		}
		if err := f.Sync(); err != nil {
			return 0, err
		}
		times = append(times, time.Since(begun))
	}
	slices.Sort(times)
	return times[tries/2], nil
}
