package node

import (
	"fmt"
	"maps"

	"pipelinedht/partition"
)

// openLife opens the life that r describes and lets connections for it in.
func (n *Node) openLife(r lifeRecord) (*life, error) {
	l, err := openLife(r, lifeConfig{
		name:           n.cfg.Name,
		address:        n.address,
		raftDir:        n.raftDir(r.Generation),
		secret:         n.cfg.Secret,
		dial:           n.cfg.Dial,
		clock:          n.cfg.Clock,
		replaceAfter:   n.cfg.ReplaceAfter,
		requestTimeout: n.cfg.RequestTimeout,
		rebalanceRate:  n.cfg.RebalanceRate,
		flight:         n.cfg.Flight,
		store:          n.store,
		keep:           &n.keep,
		course:         &n.course,
		recovered:      func() []partition.ClusterID { return n.stored().Recovered },
		fatal:          n.fail,
		logger:         n.log,
	})
	if err != nil {
		return nil, fmt.Errorf("open the life in cluster %s: %w", r.Cluster, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lives[r.Node] = l
	return l, nil
}

// closeLife closes l; its Raft directory stays.
func (n *Node) closeLife(l *life) error {
	n.mu.Lock()
	delete(n.lives, l.record.Node)
	n.mu.Unlock()
	if err := l.close(); err != nil {
		return fmt.Errorf("close the life in cluster %s: %w", l.record.Cluster, err)
	}
	return nil
}

// takeLives returns all lives and forgets them.
func (n *Node) takeLives() map[partition.NodeID]*life {
	n.mu.Lock()
	defer n.mu.Unlock()
	lives := maps.Clone(n.lives)
	clear(n.lives)
	return lives
}

// life returns the current life.
func (n *Node) life() *life {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.current
}

func (n *Node) setCurrent(l *life) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.current = l
}

// keepOnly sets what is kept (life.keeps) from now on; nil: nobody leaves.
func (n *Node) keepOnly(i *leaveIntent) {
	if i == nil {
		n.keep.Store(nil)
		return
	}
	keep := make(map[partition.ID]bool, len(i.Keep))
	for _, p := range i.Keep {
		keep[p] = true
	}
	n.keep.Store(&keep)
}
