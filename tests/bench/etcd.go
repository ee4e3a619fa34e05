package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"pipelinedht/httpapi/load"
	"pipelinedht/tests/bench/dialect"
)

// etcd is a cluster of etcd, each member with a directory on disk and its own
// defaults for everything else. It stops with close.
type etcd struct {
	dir     string
	members []*process
}

// startEtcd starts n members and waits until they serve.
func (b *bench) startEtcd(ctx context.Context, n int) (*etcd, error) {
	dir, err := os.MkdirTemp(b.work, "etcd-")
	if err != nil {
		return nil, err
	}
	e := &etcd{dir: dir}
	err = e.start(n)
	for i := 0; err == nil && i < n; i++ {
		if err = await(ctx, settleWithin, e.healthy(i)); err != nil {
			err = fmt.Errorf("start etcd: %w\n%s", err, tail(e.members[i].log.Name()))
		}
	}
	if err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func (e *etcd) start(n int) error {
	ports, urls := make([]int, n), make([]string, n)
	for i := range ports {
		var err error
		if ports[i], err = freePort(); err != nil {
			return err
		}
		urls[i] = fmt.Sprintf("member%d=http://%s", i+1, loopback(ports[i]+busOffset))
	}
	for i, port := range ports {
		name, bus, _ := strings.Cut(urls[i], "=")
		client := "http://" + loopback(port)
		p, err := startOpaque(e.dir, name, port, "etcd", "--name", name, "--data-dir", filepath.Join(e.dir, name),
			"--listen-client-urls", client, "--advertise-client-urls", client,
			"--listen-peer-urls", bus, "--initial-advertise-peer-urls", bus,
			"--initial-cluster", strings.Join(urls, ","), "--logger", "zap", "--log-level", "warn")
		if err != nil {
			return err
		}
		e.members = append(e.members, p)
	}
	return nil
}

// close kills the members and removes their data.
func (e *etcd) close() {
	for _, m := range e.members {
		m.kill()
	}
	os.RemoveAll(e.dir)
}

func (e *etcd) healthy(member int) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := ask(ctx, http.MethodGet, e.members[member].address, "/health", nil) // 503 without a leader
		return err
	}
}

// call makes a call of the gateway outside of any measurement.
func (e *etcd) call(ctx context.Context, member int, path string, request, answer any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	text, err := ask(ctx, http.MethodPost, e.members[member].address, path, strings.NewReader(string(body)))
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(text), answer)
}

// leader returns the member that leads.
func (e *etcd) leader(ctx context.Context) (*process, error) {
	for i, m := range e.members {
		var status struct {
			Header struct {
				MemberID string `json:"member_id"`
			}
			Leader string
		}
		if err := e.call(ctx, i, "/v3/maintenance/status", struct{}{}, &status); err != nil {
			return nil, err
		}
		if status.Leader != "" && status.Leader == status.Header.MemberID {
			return m, nil
		}
	}
	return nil, errors.New("no member of etcd leads")
}

// fill puts all keys through all members, and checks that they are there: a range
// of a missing key would succeed.
func (e *etcd) fill(ctx context.Context, keys load.Keys, valueBytes int) error {
	sweep := load.Sweep{Dialect: dialect.EtcdJSON{}, Connections: fillConnections, Op: load.Put, Keys: keys, ValueBytes: valueBytes}
	for _, m := range e.members {
		sweep.Addresses = append(sweep.Addresses, m.address)
	}
	if err := sweep.Run(ctx); err != nil {
		return err
	}
	everything := struct {
		Key       []byte `json:"key"`
		RangeEnd  []byte `json:"range_end"`
		CountOnly bool   `json:"count_only"`
	}{[]byte{0}, []byte{0}, true} // all keys, as etcd has it
	var answer struct {
		Count int `json:",string"`
	}
	if err := e.call(ctx, 0, "/v3/kv/range", everything, &answer); err != nil {
		return err
	}
	if answer.Count != keys.Count() {
		return fmt.Errorf("etcd has %d keys of %d", answer.Count, keys.Count())
	}
	return nil
}
