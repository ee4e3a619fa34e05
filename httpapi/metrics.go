package httpapi

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// metrics are the Server's own collectors. A request looks up no label: the
// series of its method and status are remembered with its route.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	keys     *routeMetrics // of the one route that the router does not know
}

// latencyBuckets are in seconds: from a local read to a request that waited out
// its time.
var latencyBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}

func newMetrics(registry *prometheus.Registry, conns *connections) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dht_http_requests_total",
			Help: "HTTP requests answered.",
		}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "dht_http_request_seconds",
			Help:    "Time from a request's headers to the end of its answer.",
			Buckets: latencyBuckets,
		}, []string{"route", "method"}),
	}
	registry.MustRegister(
		m.requests, m.seconds,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "dht_http_connections",
			Help: "Open connections of clients.",
		}, func() float64 { return float64(conns.open.Load()) }),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	m.keys = m.route(keyPrefix + "{key}")
	return m
}

// routeMetrics are the series of one route: few, so a walk finds the right one.
type routeMetrics struct {
	all    *metrics
	name   string
	series atomic.Pointer[[]series] // never nil; grows by replacement, under mu
	mu     sync.Mutex
}

// series of one route, method and status.
type series struct {
	method  string
	status  int
	count   prometheus.Counter
	seconds prometheus.Observer // of the method, whatever the status
}

func (m *metrics) route(name string) *routeMetrics {
	r := &routeMetrics{all: m, name: name}
	r.series.Store(new([]series))
	return r
}

// observe counts one request.
func (r *routeMetrics) observe(method string, status int, took time.Duration) {
	one := r.find(method, status)
	one.count.Inc()
	one.seconds.Observe(took.Seconds())
}

func (r *routeMetrics) find(method string, status int) *series {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPut, http.MethodPost, http.MethodDelete:
	default:
		method = "other" // whatever clients make up
	}
	known := *r.series.Load()
	for i := range known {
		if known[i].status == status && known[i].method == method {
			return &known[i]
		}
	}
	return r.add(method, status)
}

func (r *routeMetrics) add(method string, status int) *series {
	r.mu.Lock()
	defer r.mu.Unlock()
	// Another may have added the same: both then lead to the same collectors.
	more := append(slices.Clone(*r.series.Load()), series{
		method:  method,
		status:  status,
		count:   r.all.requests.WithLabelValues(r.name, method, strconv.Itoa(status)),
		seconds: r.all.seconds.WithLabelValues(r.name, method),
	})
	r.series.Store(&more)
	return &more[len(more)-1]
}
