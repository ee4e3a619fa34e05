package httpapi

import (
	"net/http"
	"strconv"

	"pipelinedht/partition"
)

// Header values that are shared by all answers: net/http reads them only. The
// DHT- headers are filed as they are to be printed, not in net/http's form.
var (
	typeText        = []string{"text/plain; charset=utf-8"}
	typeJSON        = []string{"application/json"}
	typeProblem     = []string{"application/problem+json"}
	typeValue       = []string{"application/octet-stream"}
	retryAfter      = []string{"1"} // seconds
	outcomeUnknown  = []string{"unknown"}
	notFound        = []string{"false"} // DHT-Found
	connectionClose = []string{"close"}
	noLength        = []string{"0"}
	strictApplied   = []string{"handling=strict"}
	varyAccept      = []string{"Accept"}
)

// versionText is a ring version as a header value.
type versionText struct {
	version partition.Version
	text    []string
}

// versionHeader returns v as a header value.
func (s *Server) versionHeader(v partition.Version) []string {
	last := s.version.Load()
	if last == nil || last.version != v {
		last = &versionText{v, []string{strconv.FormatUint(uint64(v), 10)}}
		s.version.Store(last)
	}
	return last.text
}

// describeKey sets the headers that every answer about a key has: the ETag, if
// stamp is not 0, and who answered, as far as info tells.
func (s *Server) describeKey(h http.Header, key string, info partition.Info, stamp partition.Stamp) {
	if info.Version == 0 {
		m := s.cluster.Ring()
		if m != nil {
			info.Version = m.Version
			info.Partition = partition.Of([]byte(key), m.Settings.Partitions)
		}
	}
	// One string and one array hold all values, to spare the collector.
	values := new([3]string)
	var buf [48]byte
	text := append(buf[:0], '"')
	text = strconv.AppendUint(text, uint64(stamp), 10)
	text = append(text, '"')
	tagEnd := len(text)
	text = strconv.AppendUint(text, uint64(info.Partition), 10)
	all := string(text)
	if stamp != 0 {
		values[0] = all[:tagEnd]
		h["ETag"] = values[0:1:1]
	}
	if info.Version != 0 {
		values[1] = all[tagEnd:]
		h["DHT-Partition"] = values[1:2:2]
		h["DHT-Ring-Version"] = s.versionHeader(info.Version)
	}
	if info.ServedBy == "" || info.ServedBy == s.name {
		h["DHT-Served-By"] = s.ownName
	} else {
		values[2] = info.ServedBy
		h["DHT-Served-By"] = values[2:3:3]
	}
}
