package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pipelinedht/fsm"
	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

// calmTimeout is how long a join or leave whose own part is done waits for the
// others: until they have applied its map, and the rest has settled.
const calmTimeout = 10 * time.Second

// loadImport has requests import first what is still to be imported.
func (n *Node) loadImport(s state) error {
	if s.Import == nil {
		return nil
	}
	im, err := newImporter(n.ctx, n.store, *s.Import, n.log)
	if err != nil {
		return err
	}
	im.write = n.writeCurrent
	n.imports.Store(im)
	return nil
}

// writeCurrent carries an import out through the current life, past the gate. Only
// primaries that know of this node's joining may take it.
func (n *Node) writeCurrent(ctx context.Context, op partition.Op) (partition.Outcome, partition.Info, error) {
	l := n.life()
	h, m := l.host.Load(), l.raft.Load().Map()
	if h == nil || m == nil {
		return partition.Outcome{}, partition.Info{}, partition.ErrUnavailable
	}
	if self, ok := m.Peer(l.record.Node); ok {
		op.Since = self.UpAt
	}
	return h.Write(ctx, op)
}

// endImport has requests bring nothing any more where the cluster says that all
// is in: what was deleted since must not return. The life's map is current.
func (n *Node) endImport(l *life) {
	im := n.imports.Load()
	if im == nil || !im.intent.Marked {
		return
	}
	if self, ok := l.raft.Load().Map().Peer(l.record.Node); ok && !self.Importing {
		im.finish()
	}
}

// finishJoin imports what the node brings, and returns once that is done and the
// node has its share of the copies.
func (n *Node) finishJoin(ctx context.Context) (httpapi.JoinReport, error) {
	l, im := n.life(), n.imports.Load()
	member, cancel := l.whileMember(ctx)
	defer cancel()
	if err := n.importAll(member, l, im); err != nil {
		if cause := context.Cause(member); cause != nil {
			return httpapi.JoinReport{}, fmt.Errorf("import this node's data: %w", cause)
		}
		n.fail(err)
		return httpapi.JoinReport{}, err
	}
	m, err := l.await(member, func(m *partition.Map) bool { return settledFor(m, l.record.Node) })
	if err != nil {
		return httpapi.JoinReport{}, fmt.Errorf("wait for this node's copies: %w", context.Cause(member))
	}
	n.awaitCalm(member, l.record.Cluster, l.others(), m.Version)
	counts := im.progress()
	n.log.Info("joined", "cluster", l.record.Cluster, "imported", counts.Imported, "lost", counts.Lost)
	waiting := withAway(m)
	if waiting > 0 {
		n.log.Warn("partitions wait for peers that are away: start those again, or forget them", "partitions", waiting)
	}
	return httpapi.JoinReport{Imported: counts.Imported, Lost: counts.Lost, Waiting: waiting}, nil
}

// importAll runs the import to its end and deletes what it read.
func (n *Node) importAll(ctx context.Context, l *life, im *importer) error {
	if !im.finished() {
		if err := im.run(ctx); err != nil {
			return err
		}
	}
	if im.intent.Marked {
		if err := l.raft.Load().ImportDone(ctx); err != nil && !errors.Is(err, fsm.ErrUnknownPeer) {
			return err
		}
	}
	s := n.stored()
	s.Import = nil
	meta := s.meta()
	meta[bookKey(im.intent.From)] = nil
	if err := n.store.DropGeneration(im.intent.From, meta); err != nil {
		return fmt.Errorf("delete the imported data: %w", err)
	}
	n.publish(s)
	n.imports.Store(nil)
	n.discardRaft(im.intent.From)
	return nil
}

// awaitCalm waits, for calmTimeout at most, until this node, where it is of the
// cluster, and all those peers of it go by a map of that version or a later one in
// which all is settled: what the user asks next, of any node, then shows the
// change whole.
func (n *Node) awaitCalm(ctx context.Context, cluster partition.ClusterID, peers []partition.Peer, version partition.Version) {
	ctx, cancel := context.WithTimeout(ctx, calmTimeout)
	defer cancel()
	for !n.calm(ctx, cluster, peers, version) {
		if pause(ctx, askPause) != nil {
			return
		}
	}
}

// calm asks the peers once. Those that do not answer are passed over.
func (n *Node) calm(ctx context.Context, cluster partition.ClusterID, peers []partition.Peer, version partition.Version) bool {
	l := n.life()
	if m := l.adopted(); l.record.Cluster == cluster && !calmAt(m, version) {
		return false
	}
	for _, p := range peers {
		w, err := l.whois(ctx, p.Address)
		if err == nil && w.Cluster == cluster && (w.Version < version || !w.Settled) {
			return false
		}
	}
	return true
}

// calmAt reports whether m is of that version or a later one, and settled as far
// as it can be.
func calmAt(m *partition.Map, version partition.Version) bool {
	return m != nil && m.Version >= version && settledButForAway(m)
}
