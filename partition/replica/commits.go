package replica

import "pipelinedht/partition"

// Nobody can tell a write that was lost with its primary from one that was carried out
// but by a log that reaches back to the write's floor. So all peers have to know about
// where every partition stands, whether they write to it or not: its primary tells them
// as it gets on.

// tellAfter returns how many commits of a partition its peers need not have been told
// of. The log keeps several times as many.
func (n *Node) tellAfter() partition.Seq { return partition.Seq(n.cfg.LogRecords / 4) }

// tellCommits tells all peers of the partitions that have got on since it last did.
func (n *Node) tellCommits() {
	var news []Committed
	for c := range n.led {
		if c.commit-c.lead.commitTold >= n.tellAfter() {
			c.lead.commitTold = c.commit
			news = append(news, Committed{c.id, c.commit})
		}
	}
	if len(news) == 0 {
		return
	}
	m := &Commits{Version: n.m.Version, Partitions: news}
	for i := range n.m.Peers {
		if p := &n.m.Peers[i]; p.ID != n.cfg.Self && p.State != partition.Down {
			n.send(p.ID, Small, m)
		}
	}
}

// Commits returns where all partitions stand that this node serves as primary.
func (n *Node) Commits() *Commits {
	m := &Commits{Version: n.m.Version}
	for c := range n.led {
		m.Partitions = append(m.Partitions, Committed{c.id, c.commit})
	}
	return m
}
