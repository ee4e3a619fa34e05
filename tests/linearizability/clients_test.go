package linearizability_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"

	"pipelinedht/tests/harness"
)

const keyCount = 12

// client sends one request after another. It belongs to one goroutine.
type client struct {
	id      int
	rng     *rand.Rand
	members *members
	history *history
	count   int
	tags    map[string]string // of each key, the last ETag that it has seen
}

// run sends requests until ctx ends.
func (c *client) run(ctx context.Context) {
	c.tags = make(map[string]string)
	for ctx.Err() == nil {
		c.members.ask(c.rng, c.once)
	}
}

// once sends one request.
func (c *client) once(to *member) {
	in := c.choose(to.floor.Load() > 0)
	called := c.history.now()
	a, err := send(to, in)
	out := c.judge(in, to, a, err)
	if out.unknown {
		in.kind = in.kind.unconditional()
	}
	c.history.record(c.id, in, out, called)
	if out.tag != "" {
		c.tags[in.key] = out.tag
	}
}

// choose makes up the next request: half of them read; plain ones have no
// condition.
func (c *client) choose(plain bool) input {
	c.count++
	in := input{
		key:   fmt.Sprintf("register-%02d", c.rng.IntN(keyCount)),
		value: fmt.Sprintf("%d of client %d", c.count, c.id),
	}
	in.tag = c.tags[in.key]
	switch dice := c.rng.IntN(100); {
	case dice < 50:
		return input{kind: read, key: in.key}
	case dice < 65:
		in.kind, in.tag = write, ""
	case dice < 72:
		in.kind, in.tag, in.value = remove, "", ""
	case plain || in.tag == "":
		in.kind, in.tag = write, ""
	case dice < 80:
		in.kind, in.tag = create, ""
	case dice < 95:
		in.kind = replace
	default:
		in.kind, in.value = removeMatch, ""
	}
	return in
}

func send(to *member, in input) (harness.Answer, error) {
	path := harness.KeyPath(in.key)
	switch in.kind {
	case read:
		return to.Do("GET", path, nil)
	case write:
		return to.Do("PUT", path, []byte(in.value))
	case create:
		return to.Do("PUT", path, []byte(in.value), "If-None-Match", "*")
	case replace:
		return to.Do("PUT", path, []byte(in.value), "If-Match", in.tag)
	case removeMatch:
		return to.Do("DELETE", path, nil, "If-Match", in.tag)
	default:
		return to.Do("DELETE", path, nil)
	}
}

// judge turns an answer into what it says about the cluster, and notes a fault
// where the request failed.
func (c *client) judge(in input, to *member, a harness.Answer, err error) output {
	var refused *harness.StatusError
	failed := err != nil && !(errors.As(err, &refused) && a.Status == http.StatusPreconditionFailed)
	if failed {
		c.history.fault(fmt.Sprintf("%.3fs: through %s (leaving: %t): %+v: %v",
			float64(c.history.now())/1e9, to.Name, to.floor.Load() > 0, in, err))
		return output{unknown: true}
	}
	version, err := strconv.ParseUint(a.Header.Get("DHT-Ring-Version"), 10, 64)
	if err != nil {
		c.history.fault(fmt.Sprintf("through %s: DHT-Ring-Version: %v", to.Name, err))
		return output{unknown: true}
	}
	if version < to.floor.Load() {
		return output{unknown: true}
	}
	out := output{refused: a.Status == http.StatusPreconditionFailed}
	if out.refused {
		return out
	}
	switch in.kind {
	case read:
		out.found = a.Header.Get("DHT-Found") != "false"
		out.value, out.tag = a.Body, a.Header.Get("ETag")
	case write, create, replace:
		out.tag = a.Header.Get("ETag")
	}
	return out
}
