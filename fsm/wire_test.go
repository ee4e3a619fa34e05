package fsm

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestAVoteGoesPastDeadStreams(t *testing.T) {
	cases := []struct {
		name  string
		fails int
		takes time.Duration // each failure
		tries int
		ok    bool
	}{
		{"alive", 0, 0, 1, true},
		{"all pooled streams dead", pooledStreams, 0, pooledStreams + 1, true},
		{"nobody there", 99, 0, pooledStreams + 1, false},
		{"out of reach", 99, rpcTimeout, 1, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				err := pastDeadStreams(func() error {
					if tries++; tries <= c.fails {
						time.Sleep(c.takes)
						return errors.New("broken")
					}
					return nil
				})
				if (err == nil) != c.ok || tries != c.tries {
					t.Fatalf("%d tries, %v; want %d, success %v", tries, err, c.tries, c.ok)
				}
			})
		})
	}
}
