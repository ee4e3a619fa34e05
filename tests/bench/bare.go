package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime/metrics"
	"strconv"

	"github.com/gorilla/mux"
)

// bareCommand makes this program the server to compare with.
const bareCommand = "bare"

// ceilings are the servers to compare with that have no table behind them.
type ceilings struct {
	bare    *process // forgets what is put
	logging *process // appends it to a file
}

func (b *bench) startCeilings(ctx context.Context) (c ceilings, err error) {
	if c.bare, err = b.startBare(ctx, false); err != nil {
		return c, err
	}
	if c.logging, err = b.startBare(ctx, true); err != nil {
		c.bare.kill()
	}
	return c, err
}

func (c ceilings) kill() {
	c.bare.kill()
	c.logging.kill()
}

// subjects are clusters with three copies beside their ceilings.
type subjects struct {
	ceilings
	memory, disk *cluster // with keys in them
}

func (b *bench) startSubjects(ctx context.Context) (s *subjects, err error) {
	s = new(subjects)
	if s.ceilings, err = b.startCeilings(ctx); err != nil {
		return nil, err
	}
	if s.memory, err = b.startFull(ctx, 3, false); err != nil {
		s.kill()
		return nil, err
	}
	if s.disk, err = b.startFull(ctx, 3, true); err != nil {
		s.memory.close()
		s.kill()
		return nil, err
	}
	return s, nil
}

func (s *subjects) close() {
	s.disk.close()
	s.memory.close()
	s.kill()
}

// startBare starts this program as a server to compare with, which answers values of
// the length that the bench has. What is put is forgotten, or durable appends it to
// a file.
func (b *bench) startBare(ctx context.Context, durable bool) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	args := []string{bareCommand, "-value", strconv.Itoa(b.valueBytes)}
	if durable {
		args = append(args, "-dir", b.work)
	}
	return start(ctx, b.work, bareCommand, self, args...)
}

// serveBare is the ceiling: net/http and a mux route with a key, set as the
// contract needs it, and nothing behind it but a log of what is put, if it has a
// directory for that. It ends when it is killed.
func serveBare(args []string) error {
	flags := flag.NewFlagSet(bareCommand, flag.ContinueOnError)
	valueBytes := flags.Int("value", 100, "bytes of the value that answers every GET")
	dir := flags.String("dir", "", "where to log what is put, fsynced; none: it is forgotten")
	if err := flags.Parse(args); err != nil {
		return err
	}
	keep := func([]byte) error { return nil }
	if *dir != "" {
		log, err := openGroupLog(*dir)
		if err != nil {
			return err
		}
		keep = log.append
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Printf("bare serves http://%s\n", ln.Addr())
	return http.Serve(ln, bareRoutes(bytes.Repeat([]byte("v"), *valueBytes), keep))
}

// wholeBytes is up to where net/http finds out the length of a body by itself.
const wholeBytes = 1024

func bareRoutes(value []byte, keep func([]byte) error) http.Handler {
	var length []string // of what net/http would send in chunks
	if len(value) > wholeBytes {
		length = []string{strconv.Itoa(len(value))}
	}
	router := mux.NewRouter().UseEncodedPath().SkipClean(true)
	router.HandleFunc("/db/{key}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/octet-stream"}
		if length != nil {
			w.Header()["Content-Length"] = length
		}
		_, _ = w.Write(value) // the client may have gone
	}).Methods(http.MethodGet)
	router.HandleFunc("/db/{key}", func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		} else if err := keep(body); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	}).Methods(http.MethodPut)
	router.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		sample := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}}
		metrics.Read(sample)
		fmt.Fprintf(w, "%s %d\n", mallocsMetric, sample[0].Value.Uint64())
	})
	return router
}
