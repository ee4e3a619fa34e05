package node

import (
	"github.com/prometheus/client_golang/prometheus"

	"pipelinedht/partition/host"
)

// registry returns a registry with the node's own figures; httpapi adds its own.
func (n *Node) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	gauge := func(name, help string, value func() float64) {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value))
	}
	copies := func(figure func(host.Status) float64) func() float64 {
		return func() float64 {
			if h := n.life().host.Load(); h != nil {
				return figure(h.Status())
			}
			return 0
		}
	}
	gauge("dht_copies_damaged", "Copies on this node that are damaged and not being replaced yet.",
		copies(func(s host.Status) float64 { return float64(s.Damaged) }))
	r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "dht_copies_found_damaged_total",
		Help: "Copies on this node that were found damaged since it joined its cluster or was started.",
	}, copies(func(s host.Status) float64 { return float64(s.Damages) })))
	space := func(figure func(diskSpace) float64) func() float64 {
		return func() float64 {
			if s := n.disk.space.Load(); s != nil {
				return figure(*s)
			}
			return 0
		}
	}
	gauge("dht_disk_free_bytes", "Free space where the data directory is; 0 in memory.",
		space(func(s diskSpace) float64 { return float64(s.Free) }))
	gauge("dht_disk_reserve_bytes", "Free space below which the node takes no new values.",
		space(func(s diskSpace) float64 { return float64(s.Reserve) }))
	gauge("dht_disk_read_only", "1 if the node takes no new values for want of disk space.",
		space(func(s diskSpace) float64 {
			if s.ReadOnly {
				return 1
			}
			return 0
		}))
	r.MustRegister(totals{n})
	return r
}
