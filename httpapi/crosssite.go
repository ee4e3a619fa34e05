package httpapi

import "net/http"

// errCrossSite keeps web pages from changing a node that their reader can reach:
// the requests that a browser sends across sites without asking first are GET
// and POST, and the contract lets both change something.
var errCrossSite = faultf(http.StatusForbidden, "a page of another site may not change this node")

// crossSite reports whether a browser sent the request for a page of another
// site. Other clients do not set the header.
func crossSite(h http.Header) bool {
	site := h["Sec-Fetch-Site"]
	return len(site) > 0 && site[0] == "cross-site"
}
