package httpapi

import (
	"net/http"
	"strconv"
	"strings"
)

// wantsJSON reports whether a request prefers JSON to plain text (RFC 9110,
// section 12.5.1). Whoever names neither, as curl and browsers do, gets text.
func wantsJSON(h http.Header) bool {
	lines := h["Accept"]
	if len(lines) == 0 {
		return false
	}
	var json, text float64
	for _, line := range lines {
		for part := range strings.SplitSeq(line, ",") {
			kind, params, _ := strings.Cut(part, ";")
			switch strings.ToLower(strings.TrimSpace(kind)) {
			case "application/json", "application/problem+json", "application/*":
				json = max(json, quality(params))
			case "text/plain", "text/*":
				text = max(text, quality(params))
			}
		}
	}
	return json > 0 && json >= text
}

// quality returns the q among the parameters of one part of Accept: 1 if there
// is none, 0 if it is no number.
func quality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.EqualFold(strings.TrimSpace(name), "q") {
			q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
			if err != nil || q < 0 || q > 1 {
				return 0
			}
			return q
		}
	}
	return 1
}

// prefersStrict reports whether a request says "Prefer: handling=strict" (RFC
// 7240): a missing key is then an error.
func prefersStrict(h http.Header) bool {
	for _, line := range h["Prefer"] {
		for part := range strings.SplitSeq(line, ",") {
			preference, _, _ := strings.Cut(part, ";")
			name, value, _ := strings.Cut(preference, "=")
			if strings.EqualFold(strings.TrimSpace(name), "handling") {
				// The first one counts, says the RFC.
				return strings.EqualFold(strings.Trim(value, " \t\""), "strict")
			}
		}
	}
	return false
}
