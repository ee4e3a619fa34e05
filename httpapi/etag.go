package httpapi

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"pipelinedht/partition"
)

// The ETag of a value is its stamp, and that of the ring its version, in decimal
// between double quotes: "1700000000000000". It is strong.

// tags is what If-Match or If-None-Match lists. Its zero value stands for a
// request without that header.
type tags struct {
	given bool
	any   bool  // "*"
	list  []tag // those that could be of this program; others match nothing
}

type tag struct {
	number uint64
	weak   bool
}

// errTags is the sentence behind a header that is no list of entity tags.
var errTags = errors.New(`give * or a list of entity tags, each in double quotes, such as "1700000000000000"`)

// parseTags reads all lines of the header named (in its canonical form).
//
//	header     = "*" / #entity-tag            ; RFC 9110, section 8.8.3 and 13.1
//	entity-tag = [ "W/" ] DQUOTE *etagc DQUOTE
func parseTags(h http.Header, name string) (tags, error) {
	lines := h[name]
	if len(lines) == 0 {
		return tags{}, nil
	}
	found := tags{given: true}
	rest := strings.Join(lines, ",")
	if strings.Trim(rest, " \t") == "*" {
		found.any = true
		return found, nil
	}
	empty := true
	for {
		rest = strings.TrimLeft(rest, " \t,")
		if rest == "" {
			break
		}
		empty = false
		var weak bool
		rest, weak = strings.CutPrefix(rest, "W/")
		quoted, ok := strings.CutPrefix(rest, `"`)
		opaque, after, closed := strings.Cut(quoted, `"`)
		after = strings.TrimLeft(after, " \t")
		if !ok || !closed || after != "" && after[0] != ',' {
			return tags{}, errTags
		}
		rest = after
		if number, ok := parseTag(opaque); ok {
			found.list = append(found.list, tag{number, weak})
		}
	}
	if empty {
		return tags{}, errTags
	}
	return found, nil
}

// parseTag reads the one form in which this program writes a number.
func parseTag(opaque string) (uint64, bool) {
	number, err := strconv.ParseUint(opaque, 10, 64)
	return number, err == nil && strconv.FormatUint(number, 10) == opaque
}

// match reports whether the tags name a thing that exists with that number. The
// weak comparison, for If-None-Match, lets weak tags match, too.
func (t *tags) match(exists bool, number uint64, weak bool) bool {
	if !exists || t.any {
		return exists
	}
	for _, one := range t.list {
		if one.number == number && (weak || !one.weak) {
			return true
		}
	}
	return false
}

// stamps returns the strong tags, not nil.
func (t *tags) stamps() []partition.Stamp {
	stamps := []partition.Stamp{}
	for _, one := range t.list {
		if !one.weak {
			stamps = append(stamps, partition.Stamp(one.number))
		}
	}
	return stamps
}
