package httpapi

import (
	"fmt"
	"net/http"

	"pipelinedht/partition"
)

// The names under which net/http files the two headers of a condition.
const (
	ifMatch     = "If-Match"
	ifNoneMatch = "If-None-Match"
)

// writeCondition reads the condition that a PUT or DELETE is made under.
func writeCondition(h http.Header) (partition.Condition, error) {
	match, noneMatch, err := conditions(h)
	if err != nil {
		return partition.Condition{}, err
	}
	var c partition.Condition
	switch {
	case match.any:
		c.IfPresent = true
	case match.given:
		c.IfStamp = match.stamps()
	}
	switch {
	case noneMatch.any:
		c.IfAbsent = true
	case noneMatch.given:
		return partition.Condition{}, faultf(http.StatusBadRequest,
			"If-None-Match on a write takes * only: name the version that you want to replace with If-Match instead")
	}
	return c, nil
}

// conditions reads both headers.
func conditions(h http.Header) (match, noneMatch tags, err error) {
	if match, err = parseTags(h, ifMatch); err != nil {
		return match, noneMatch, faultf(http.StatusBadRequest, "%s: %w", ifMatch, err)
	}
	if noneMatch, err = parseTags(h, ifNoneMatch); err != nil {
		return match, noneMatch, faultf(http.StatusBadRequest, "%s: %w", ifNoneMatch, err)
	}
	return match, noneMatch, nil
}

// conditionFailed is the answer to a write whose condition did not hold on a key
// that bears stamp, 0 if it has no value.
func conditionFailed(stamp partition.Stamp) error {
	if stamp == 0 {
		return faultf(http.StatusPreconditionFailed, "the key has no value: the condition does not hold, nothing was changed")
	}
	return faultf(http.StatusPreconditionFailed, "the key's value has the version %s: the condition does not hold, nothing was changed",
		fmt.Sprintf(`"%d"`, stamp))
}
