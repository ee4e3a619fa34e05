package httpapi

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// handler answers a request and returns the status that it answered with.
type handler func(w http.ResponseWriter, r *http.Request) int

// methods are the handlers of one route. HEAD goes where GET goes, unless GET
// changes something.
type methods map[string]handler

// routes returns the router for all but keys.
func (s *Server) routes(registry *prometheus.Registry) *mux.Router {
	router := mux.NewRouter().UseEncodedPath().SkipClean(true)
	get := func(path string, h handler) {
		s.route(router, path, methods{http.MethodGet: h, http.MethodHead: h})
	}
	get("/", standing(s.cluster.Serving))
	get("/db", s.listKeys)
	get("/dht/peers", s.listPeers)
	get("/dht/ring", s.showRing)
	get("/dht/raft", showJSON(s.cluster.Raft))
	get("/dht/status", showJSON(s.cluster.Status))
	s.route(router, "/dht/join", methods{http.MethodPost: s.join, http.MethodPut: s.join})
	s.route(router, "/dht/leave", methods{http.MethodGet: s.leave, http.MethodPost: s.leave})
	s.route(router, "/dht/forget", methods{http.MethodPost: s.forget})
	get("/healthz", alive)
	get("/readyz", standing(s.cluster.Ready))
	page := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	get("/metrics", func(w http.ResponseWriter, r *http.Request) int {
		page.ServeHTTP(w, r)
		return http.StatusOK
	})
	router.NotFoundHandler = s.measured("other", func(w http.ResponseWriter, r *http.Request) int {
		return fail(w, r, faultf(http.StatusNotFound, "there is no %s here: values are at /db/{key}, the node at /dht/status", shorten(r.URL.EscapedPath())))
	})
	return router
}

// route adds one path with its methods.
func (s *Server) route(router *mux.Router, path string, ms methods) {
	var names []string
	for name := range ms {
		names = append(names, name)
	}
	slices.Sort(names)
	allow := []string{strings.Join(names, ", ")}
	router.Path(path).Handler(s.measured(path, func(w http.ResponseWriter, r *http.Request) int {
		if h, ok := ms[r.Method]; ok {
			return h(w, r)
		}
		w.Header()["Allow"] = allow
		return fail(w, r, methodFault(r.Method, allow))
	}))
}

// methodFault is the answer to a method that a route does not have.
func methodFault(method string, allow []string) error {
	return faultf(http.StatusMethodNotAllowed, "%s is not possible here: use %s", shorten(method), allow[0])
}

// measured counts the requests that h answers.
func (s *Server) measured(route string, h handler) http.Handler {
	series := s.metrics.route(route)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		status := http.StatusInternalServerError // unless h returns
		defer func() { series.observe(r.Method, status, time.Since(start)) }()
		status = h(w, r)
	})
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn := connectionOf(r.Context())
	conn.asks()
	if s.peer != nil && r.URL.Path == PeerPath {
		s.peer.ServeHTTP(w, r)
		return
	}
	if !s.running.enter() {
		fail(w, r, faultf(http.StatusServiceUnavailable, "%w; nothing took effect", errClosed))
		return
	}
	defer s.running.leave()
	// What is left is for the client to take.
	defer conn.waits()
	if s.draining.Load() {
		w.Header()["Connection"] = closeConnection
	}
	key, ok := keyIn(r.URL)
	if !ok {
		s.router.ServeHTTP(w, r)
		return
	}
	start := time.Now()
	status := http.StatusInternalServerError // unless the handler returns
	defer func() { s.metrics.keys.observe(r.Method, status, time.Since(start)) }()
	if err := s.ready.pass(r.Context()); err != nil {
		status = s.refuse(w, r, key, err)
		return
	}
	status = s.serveKey(w, r, key)
}

// shorten cuts what a client sent for use in a sentence.
func shorten(s string) string {
	const most = 80
	if len(s) > most {
		return s[:most] + "..."
	}
	return s
}
