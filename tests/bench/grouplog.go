package main

import "os"

const (
	groupQueue = 1024 // appends that wait; more wait to wait
	groupBytes = 8 << 20
)

// groupLog is the least that a durable write takes: an append to one file, and an
// fsync that all who wait share.
type groupLog struct {
	file  *os.File
	queue chan appending
}

// appending is one value on its way into the log.
type appending struct {
	value []byte
	done  chan error // told once
}

// openGroupLog begins a log, and its goroutine, which ends with the process.
func openGroupLog(dir string) (*groupLog, error) {
	file, err := os.CreateTemp(dir, "log-")
	if err != nil {
		return nil, err
	}
	l := &groupLog{file, make(chan appending, groupQueue)}
	go l.run()
	return l, nil
}

// append returns when the value is on the disk.
func (l *groupLog) append(value []byte) error {
	a := appending{value, make(chan error, 1)}
	l.queue <- a
	return <-a.done
}

func (l *groupLog) run() {
	var (
		batch   []byte
		waiting []appending
	)
	for first := range l.queue {
		batch, waiting = append(batch[:0], first.value...), append(waiting[:0], first)
		for len(l.queue) > 0 && len(batch) < groupBytes {
			next := <-l.queue
			batch, waiting = append(batch, next.value...), append(waiting, next)
		}
		_, err := l.file.Write(batch)
		if err == nil {
			err = l.file.Sync()
		}
		for _, a := range waiting {
			a.done <- err
		}
	}
}
