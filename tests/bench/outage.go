package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	servedWithin = time.Minute // a partition, after its primary has gone
	putEvery     = 100 * time.Millisecond
	putAfter     = 2 * time.Second // puts go on for so long after a node has stopped
)

// outage is writes to the partitions of some nodes, through the others, while they go.
type outage struct {
	client *http.Client
	others []string // addresses
	keys   []string // one of each partition that the nodes are primary for
}

func (c *cluster) newOutage(ctx context.Context, victims ...int) (*outage, error) {
	o := &outage{client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: failoverKeys}}}
	for i, address := range c.addresses() {
		if !slices.Contains(victims, i) {
			o.others = append(o.others, address)
		}
	}
	seen := make(map[string]bool)
	for _, victim := range victims {
		own, err := c.keysAt(ctx, victim)
		if err != nil {
			return nil, err
		}
		for _, key := range own {
			resp, err := o.do(ctx, http.MethodGet, c.nodes[victim].address, key)
			if err != nil {
				return nil, err
			}
			if p := resp.Header.Get("DHT-Partition"); !seen[p] {
				seen[p] = true
				o.keys = append(o.keys, key)
			}
		}
	}
	return o, nil
}

// do makes one request and reads its answer, which must have status 200.
func (o *outage) do(ctx context.Context, method, address, key string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+address+"/db/"+url.PathEscape(key), strings.NewReader(""))
	if err != nil {
		return nil, err
	}
	resp, err := o.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, key, resp.Status, text)
	}
	return resp, err
}

// put writes a key, through one other node after another until one does it.
func (o *outage) put(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, servedWithin)
	defer cancel()
	for try := 0; ; try++ {
		_, err := o.do(ctx, http.MethodPut, o.others[(i+try)%len(o.others)], o.keys[i])
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

// servedAfter writes every key at once and returns how long after began each was
// written.
func (o *outage) servedAfter(ctx context.Context, began time.Time) ([]time.Duration, error) {
	times, errs := make([]time.Duration, len(o.keys)), make([]error, len(o.keys))
	var all sync.WaitGroup
	for i := range o.keys {
		all.Go(func() {
			errs[i] = o.put(ctx, i)
			times[i] = time.Since(began)
		})
	}
	all.Wait()
	return times, cmp.Or(errs...)
}

// longestDuring writes every key again and again while f runs, and a little longer,
// and returns the longest that a write took.
func (o *outage) longestDuring(ctx context.Context, f func() error) (time.Duration, error) {
	times, errs := make([]time.Duration, len(o.keys)), make([]error, len(o.keys))
	over := make(chan struct{})
	var all sync.WaitGroup
	for i := range o.keys {
		all.Go(func() {
			tick := time.NewTicker(putEvery)
			defer tick.Stop()
			for errs[i] == nil {
				began := time.Now()
				errs[i] = o.put(ctx, i)
				times[i] = max(times[i], time.Since(began))
				select {
				case <-tick.C:
				case <-over:
					return
				}
			}
		})
	}
	err := f()
	select {
	case <-time.After(putAfter):
	case <-ctx.Done():
	}
	close(over)
	all.Wait()
	return slices.Max(times), errors.Join(err, cmp.Or(errs...))
}
