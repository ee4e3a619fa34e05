package harness

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	// workers is how many requests are in flight to one node.
	workers = 8
	// shownFaults bounds how many wrong keys a failing test lists.
	shownFaults = 10
)

// Pairs is what a cluster should hold: values by key.
type Pairs map[string]string

// Numbered returns count pairs whose keys begin with prefix.
func Numbered(prefix string, count int) Pairs {
	pairs := make(Pairs, count)
	for i := range count {
		pairs[fmt.Sprintf("%s-%04d", prefix, i)] = fmt.Sprintf("value %d of %s", i, prefix)
	}
	return pairs
}

// Keys returns the keys, sorted.
func (p Pairs) Keys() []string { return slices.Sorted(maps.Keys(p)) }

// Union returns all pairs of both; where both have a key, that of other.
func (p Pairs) Union(other Pairs) Pairs {
	all := maps.Clone(p)
	maps.Copy(all, other)
	return all
}

// Load puts all pairs, spread over the nodes.
func Load(t testing.TB, pairs Pairs, nodes ...*Node) {
	t.Helper()
	err := EachKey(pairs.Keys(), workers, func(i int, key string) error {
		return nodes[i%len(nodes)].Put(key, pairs[key])
	})
	if err != nil {
		t.Fatalf("load %d keys: %v", len(pairs), err)
	}
}

// EachKey calls f for all keys, with their index, from so many goroutines at
// once, and returns an error that names those that went wrong.
func EachKey(keys []string, goroutines int, f func(i int, key string) error) error {
	var next, faults atomic.Int64
	shown := make([]string, shownFaults)
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(keys); i = int(next.Add(1)) - 1 {
				if err := f(i, keys[i]); err != nil {
					if at := faults.Add(1) - 1; at < shownFaults {
						shown[at] = err.Error()
					}
				}
			}
		})
	}
	wg.Wait()
	n := int(faults.Load())
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d keys, such as:\n\t%s", n, len(keys), strings.Join(shown[:min(n, shownFaults)], "\n\t"))
}

// Verify fails the test unless every pair is read from every node, and every key
// is listed by exactly one of them and no other key by any.
func Verify(t testing.TB, pairs Pairs, nodes ...*Node) {
	t.Helper()
	VerifyValues(t, pairs, nodes...)
	VerifyListed(t, pairs.Keys(), nodes...)
}

// VerifyValues fails the test unless every pair is read from every node.
func VerifyValues(t testing.TB, pairs Pairs, nodes ...*Node) {
	t.Helper()
	keys := pairs.Keys()
	err := Together(nodes, func(n *Node) error {
		err := EachKey(keys, workers, func(_ int, key string) error { return n.expect(key, pairs[key]) })
		if err != nil {
			return fmt.Errorf("read from %s: %w", n.Name, err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (n *Node) expect(key, want string) error {
	got, found, err := n.Get(key)
	switch {
	case err != nil:
		return err
	case !found:
		return fmt.Errorf("%q: not found, want %q", key, abridged(want))
	case got != want:
		return fmt.Errorf("%q: got %q, want %q", key, abridged(got), abridged(want))
	}
	return nil
}

// VerifyMissing fails the test unless every node says that none of the keys is
// there.
func VerifyMissing(t testing.TB, keys []string, nodes ...*Node) {
	t.Helper()
	for _, n := range nodes {
		err := EachKey(keys, workers, func(_ int, key string) error {
			got, found, err := n.Get(key)
			if err == nil && found {
				err = fmt.Errorf("%q: got %q, want it missing", key, abridged(got))
			}
			return err
		})
		if err != nil {
			t.Fatalf("read from %s: %v", n.Name, err)
		}
	}
}

func abridged(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return fmt.Sprintf("%s… (%d bytes)", s[:most], len(s))
}
