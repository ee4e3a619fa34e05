package node

import (
	"context"

	"pipelinedht/partition"
)

// table is httpapi.Table: the current life's copies, behind the gate.
type table struct{ n *Node }

// Get reads a key through the current life.
func (t table) Get(ctx context.Context, key []byte) (partition.Result, error) {
	p, err := t.n.enter(ctx)
	if err != nil {
		return partition.Result{}, err
	}
	defer p.leave()
	if err := t.n.bringFirst(ctx, key); err != nil {
		return partition.Result{}, err
	}
	return p.life.host.Load().Get(ctx, key)
}

// Write carries an operation out through the current life.
func (t table) Write(ctx context.Context, op partition.Op) (partition.Outcome, partition.Info, error) {
	p, err := t.n.enter(ctx)
	if err != nil {
		return partition.Outcome{}, partition.Info{}, err
	}
	defer p.leave()
	if err := t.n.bringFirst(ctx, op.Key); err != nil {
		return partition.Outcome{}, partition.Info{}, err
	}
	return p.life.host.Load().Write(ctx, op)
}

// Keys lists the keys that this node is primary for. A listing may take as long
// as its reader likes, so no change of lives waits for it: one that meets with a
// change is cut short, with an error.
func (t table) Keys(ctx context.Context, f func(key []byte) bool) error {
	p, err := t.n.enter(ctx)
	if err != nil {
		return err
	}
	p.leave()
	return p.life.host.Load().Keys(ctx, f)
}

// enter is gate.enter, bounded by the request time-out.
func (n *Node) enter(ctx context.Context) (*passage, error) {
	if p := n.gate.tryEnter(); p != nil {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
	defer cancel()
	return n.gate.enter(ctx)
}

// bringFirst imports the key where it is among the data that are still to be
// imported.
func (n *Node) bringFirst(ctx context.Context, key []byte) error {
	imports := n.imports.Load()
	if imports == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.RequestTimeout)
	defer cancel()
	return imports.bring(ctx, key)
}
