package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"pipelinedht/partition/host"
)

// totals are host.Totals for Prometheus. They begin anew where the node changes
// clusters, as at a start.
type totals struct{ n *Node }

var (
	transferKind = []string{"kind"} // delta, snapshot, recovery
	totalsOf     = func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	transfers     = totalsOf("dht_transfers_total", "Transfers of copies to other nodes that were begun.", transferKind...)
	transfersSent = totalsOf("dht_transfers_sent_total", "Transfers of copies to other nodes that were sent whole.", transferKind...)
	sentRecords   = totalsOf("dht_transfer_records_total", "Log records sent in transfers.", transferKind...)
	sentKeys      = totalsOf("dht_transfer_keys_total", "Keys sent in transfers, with what they hold.", transferKind...)
	sentBytes     = totalsOf("dht_transfer_bytes_total", "Bytes of keys and values sent in transfers.", transferKind...)
	sentEntries   = totalsOf("dht_entries_sent_total", "Entries sent to other copies as they were written.")
	entryBytes    = totalsOf("dht_entry_bytes_total", "Bytes of keys and values of them.")
	takenOver     = totalsOf("dht_primaries_taken_over_total", "Primaries that this node took from another one that had gone.")
	takenOn       = totalsOf("dht_primaries_taken_on_total", "Primaries that were handed over to this node.")
	copiesDropped = totalsOf("dht_copies_dropped_total", "Copies that left the in-sync sets of this node's primaries.")
	copiesAdded   = totalsOf("dht_copies_added_total", "Copies that came into the in-sync sets of this node's primaries.")
	storeBatches  = totalsOf("dht_store_batches_total", "Batches of writes stored, each with one fsync if there is a data directory.")
	storeWrites   = totalsOf("dht_store_batch_writes_total", "Writes in them.")
	longestStall  = totalsOf("dht_longest_stall_seconds", "The longest that the process was kept from running, or was too busy, between two ticks of 50 ms.")
)

// Describe is prometheus.Collector's.
func (t totals) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(t, to) }

// Collect is prometheus.Collector's.
func (t totals) Collect(to chan<- prometheus.Metric) {
	var now host.Totals
	if h := t.n.life().host.Load(); h != nil {
		now = h.Status().Totals
	}
	count := func(what *prometheus.Desc, n int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(what, prometheus.CounterValue, float64(n), labels...)
	}
	for _, k := range []struct {
		name string
		sent host.TransferTotals
	}{{"delta", now.Deltas}, {"snapshot", now.Snapshots}, {"recovery", now.Recoveries}} {
		count(transfers, k.sent.Begun, k.name)
		count(transfersSent, k.sent.Sent, k.name)
		count(sentRecords, k.sent.Records, k.name)
		count(sentKeys, k.sent.Keys, k.name)
		count(sentBytes, k.sent.Bytes, k.name)
	}
	count(sentEntries, now.EntriesSent)
	count(entryBytes, now.EntryBytes)
	count(takenOver, now.TakenOver)
	count(takenOn, now.TakenOn)
	count(copiesDropped, now.Dropped)
	count(copiesAdded, now.Added)
	count(storeBatches, now.Batches)
	count(storeWrites, now.BatchWrites)
	to <- prometheus.MustNewConstMetric(longestStall, prometheus.GaugeValue, float64(now.LongestStall)/1000)
}
