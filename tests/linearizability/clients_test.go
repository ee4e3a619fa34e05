package linearizability_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"

	"pipelinedht/tests/harness"
	"pipelinedht/tests/register"
	"pipelinedht/tests/request"
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
	called := c.history.Now()
	a, err := request.Send(to.Client, in)
	out := c.judge(in, to, a, err)
	if out.Unknown {
		// Whoever judged its condition may have been a lonely node.
		in.Kind = in.Kind.Unconditional()
	}
	c.history.Record(c.id, in, out, called)
	if out.Tag != "" {
		c.tags[in.Key] = out.Tag
	}
}

// choose makes up the next request: half of them read; plain ones have no
// condition.
func (c *client) choose(plain bool) register.Input {
	c.count++
	in := register.Input{
		Key:   fmt.Sprintf("register-%02d", c.rng.IntN(keyCount)),
		Value: fmt.Sprintf("%d of client %d", c.count, c.id),
	}
	in.Tag = c.tags[in.Key]
	switch dice := c.rng.IntN(100); {
	case dice < 50:
		return register.Input{Kind: register.Read, Key: in.Key}
	case dice < 65:
		in.Kind, in.Tag = register.Write, ""
	case dice < 72:
		in.Kind, in.Tag, in.Value = register.Remove, "", ""
	case plain || in.Tag == "":
		in.Kind, in.Tag = register.Write, ""
	case dice < 80:
		in.Kind, in.Tag = register.Create, ""
	case dice < 95:
		in.Kind = register.Replace
	default:
		in.Kind, in.Value = register.RemoveMatch, ""
	}
	return in
}

// judge turns an answer into what it says about the cluster, and notes a fault
// where the request failed.
func (c *client) judge(in register.Input, to *member, a harness.Answer, err error) register.Output {
	out, verdict, err := request.Judge(in, a, err)
	unknown := register.Output{Unknown: true}
	if verdict != request.Done {
		c.history.fault(fmt.Sprintf("%v: through %s (leaving: %t): %+v: %v", c.history.Now(), to.Name, to.floor.Load() > 0, in, err))
		return unknown
	}
	version, err := strconv.ParseUint(a.Header.Get("DHT-Ring-Version"), 10, 64)
	if err != nil {
		c.history.fault(fmt.Sprintf("through %s: DHT-Ring-Version: %v", to.Name, err))
		return unknown
	}
	if version < to.floor.Load() {
		return unknown
	}
	return out
}
