package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// standing answers 200 and nothing if check returns nil, else 503 and why not.
func standing(check func() error) handler {
	return func(w http.ResponseWriter, r *http.Request) int {
		if err := check(); err != nil {
			return fail(w, r, faultf(http.StatusServiceUnavailable, "not ready: %w", err))
		}
		w.WriteHeader(http.StatusOK)
		return http.StatusOK
	}
}

// alive answers 200: the process runs and takes requests.
func alive(w http.ResponseWriter, _ *http.Request) int {
	w.WriteHeader(http.StatusOK)
	return http.StatusOK
}

// showJSON prints what state returns at the time of the request.
func showJSON(state func() any) handler {
	return func(w http.ResponseWriter, r *http.Request) int { return writeJSON(w, r, state()) }
}

// writeJSON answers with v on one line.
func writeJSON(w http.ResponseWriter, r *http.Request, v any) int {
	body, err := json.Marshal(v)
	if err != nil {
		return fail(w, r, fmt.Errorf("encode the answer: %w", err))
	}
	w.Header()["Content-Type"] = typeJSON
	w.Write(append(body, '\n'))
	return http.StatusOK
}
