package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"pipelinedht/httpapi/load"
)

const (
	readyWithin = 10 * time.Minute
	askReady    = 10 * time.Millisecond
)

// measureStart fills a node and starts it on its full data directory: after it was
// stopped, and after it was killed.
func measureStart(ctx context.Context, b *bench) error {
	c, err := b.startCluster(ctx, 1, 1, true)
	if err != nil {
		return err
	}
	defer c.close()
	b.printf("\none node with %d keys in its data directory\n", b.startKeys)
	if err := b.measureFill(ctx, c, load.Numbered(keyPrefix, b.startKeys)); err != nil {
		return err
	}
	for _, end := range []struct {
		after  string
		signal syscall.Signal
	}{{"SIGTERM", syscall.SIGTERM}, {"SIGKILL", syscall.SIGKILL}} {
		c.nodes[0].end(end.signal)
		bytes, err := diskBytes(filepath.Join(c.dir, "node1"))
		if err != nil {
			return err
		}
		begun := time.Now()
		node, err := c.launch(ctx, 0)
		if err != nil {
			return err
		}
		c.nodes[0] = node
		if err := ready(ctx, node); err != nil {
			return err
		}
		took := time.Since(begun)
		memory, err := resident(c.nodes)
		if err != nil {
			return err
		}
		b.printf("ready after %-8s %8.2f s %8.0f MB of memory %8.1f bytes a key on disk\n", end.after,
			took.Seconds(), float64(memory)/1e6, float64(bytes)/float64(b.startKeys))
	}
	return nil
}

// end has the process end by a signal, and waits for it.
func (p *process) end(signal syscall.Signal) {
	// It may have ended by itself, which is as good.
	_ = p.cmd.Process.Signal(signal)
	<-p.drained
	p.kill()
}

// ready waits until a node says that it serves.
func ready(ctx context.Context, node *process) error {
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	for {
		_, err := ask(ctx, http.MethodGet, node.address, "/readyz", nil)
		if err == nil {
			return nil
		}
		if pause(ctx, askReady) != nil {
			return fmt.Errorf("not ready: %w", err)
		}
	}
}

// diskBytes returns the bytes of a directory's files.
func diskBytes(dir string) (total int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			total += info.Size()
		}
		return err
	})
	return total, err
}
