package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/gorilla/mux"
)

// bareCommand makes this program the server to compare with.
const bareCommand = "bare"

// startBare starts this program as the server to compare with.
func (b *bench) startBare(ctx context.Context) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, b.work, bareCommand, self, bareCommand, strconv.Itoa(b.valueBytes))
}

// serveBare is the ceiling: net/http and a mux route with a key, set as the
// contract needs it, and nothing behind it. GET answers a value of the given size,
// PUT reads one and forgets it. It ends when it is killed.
func serveBare(valueBytes string) error {
	n, err := strconv.Atoi(valueBytes)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	value := bytes.Repeat([]byte("v"), n)
	router := mux.NewRouter().UseEncodedPath().SkipClean(true)
	router.HandleFunc("/db/{key}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = []string{"application/octet-stream"}
		_, _ = w.Write(value) // the client may have gone
	}).Methods(http.MethodGet)
	router.HandleFunc("/db/{key}", func(w http.ResponseWriter, r *http.Request) {
		body := make([]byte, r.ContentLength)
		if _, err := io.ReadFull(r.Body, body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}).Methods(http.MethodPut)
	fmt.Printf("bare serves http://%s\n", ln.Addr())
	return http.Serve(ln, router)
}
