package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// cluster is a set of nodes that have joined. It stops with close.
type cluster struct {
	bench    *bench
	dir      string // logs, and data of a durable one
	replicas int
	durable  bool
	nodes    []*process
}

// startCluster starts n nodes and has them join.
func (b *bench) startCluster(ctx context.Context, n, replicas int, durable bool) (*cluster, error) {
	dir, err := os.MkdirTemp(b.work, "cluster-")
	if err != nil {
		return nil, err
	}
	c := &cluster{bench: b, dir: dir, replicas: replicas, durable: durable}
	for range n {
		if err := c.add(ctx); err != nil {
			c.close()
			return nil, err
		}
	}
	return c, nil
}

// close kills the nodes and removes their data.
func (c *cluster) close() {
	for _, n := range c.nodes {
		n.kill()
	}
	os.RemoveAll(c.dir)
}

// add starts one more node and has it join; it returns when the cluster has
// settled.
func (c *cluster) add(ctx context.Context) error {
	if err := c.startNode(ctx); err != nil || len(c.nodes) == 1 {
		return err
	}
	return c.join(ctx)
}

// startNode starts a node that stands alone.
func (c *cluster) startNode(ctx context.Context) error {
	p, err := c.launch(ctx, len(c.nodes))
	if err != nil {
		return err
	}
	c.nodes = append(c.nodes, p)
	return nil
}

// launch starts the process of the node with that index.
func (c *cluster) launch(ctx context.Context, at int) (*process, error) {
	name := fmt.Sprintf("node%d", at+1)
	args := []string{"serve", "--name", name, "--host", "127.0.0.1", "--port", "0",
		"--replicas", strconv.Itoa(c.replicas), "--log-level", "warn"}
	if c.durable {
		args = append(args, "--data-dir", filepath.Join(c.dir, name))
	}
	return start(ctx, c.dir, name, c.bench.binary, args...)
}

// join has the last node join the first, which answers when all is settled.
func (c *cluster) join(ctx context.Context) error {
	body := strings.NewReader("node1:" + c.nodes[0].address)
	_, err := ask(ctx, http.MethodPost, c.nodes[len(c.nodes)-1].address, "/dht/join", body)
	return err
}

// leave has the last node leave, which answers when the rest has settled, and ends
// it.
func (c *cluster) leave(ctx context.Context) error {
	last := c.nodes[len(c.nodes)-1]
	if _, err := ask(ctx, http.MethodPost, last.address, "/dht/leave", nil); err != nil {
		return err
	}
	last.kill()
	c.nodes = c.nodes[:len(c.nodes)-1]
	return nil
}

func (c *cluster) addresses() []string {
	all := make([]string, len(c.nodes))
	for i, n := range c.nodes {
		all[i] = n.address
	}
	return all
}

// keysAt returns the keys that a node is primary for.
func (c *cluster) keysAt(ctx context.Context, node int) ([]string, error) {
	text, err := ask(ctx, http.MethodGet, c.nodes[node].address, "/db", nil)
	if err != nil {
		return nil, err
	}
	var keys []string
	lines := bufio.NewScanner(strings.NewReader(text))
	for lines.Scan() {
		keys = append(keys, lines.Text())
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s lists no key", c.nodes[node].address)
	}
	return keys, lines.Err()
}

// ask makes one request outside of any measurement.
func ask(ctx context.Context, method, address, path string, body io.Reader) (string, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, body)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, text)
	}
	return string(text), err
}
