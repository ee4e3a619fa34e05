package traffic

import (
	"fmt"
	"math/rand/v2"
	"time"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/register"
	"pipelinedht/tests/request"
)

const (
	// registers is how many keys are in use at a time, and window for how long:
	// operations of unknown outcome stay open in a key's history for ever, and
	// make it harder to judge with each one.
	registers = 6
	window    = 8 * time.Second
)

// client reads and writes registers through one node until the traffic stops.
func (t *Traffic) client(id int, m *cluster.Member) {
	rng := t.random(1000 + uint64(id))
	to := m.NewClient()
	defer to.Close()
	tags := make(map[string]string) // of each key, the last one seen
	for n := 0; ; n++ {
		done, ok := m.Use(t.ctx)
		if !ok {
			return
		}
		in := t.choose(rng, tags)
		in.Value = valueFor(in.Kind, fmt.Sprintf("%d of client %d", n, id))
		unharmed := m.Watch()
		called := t.Registers.Now()
		a, err := request.Send(to, in)
		out, verdict, err := request.Judge(in, a, err)
		if verdict != request.Failed {
			t.Registers.Record(id, in, out, called)
		}
		done()
		if out.Tag != "" {
			tags[in.Key] = out.Tag
		}
		t.note(m, unharmed(), verdict, err)
		t.rest(rng, verdict)
	}
}

// choose makes up the next request: half of them read.
func (t *Traffic) choose(rng *rand.Rand, tags map[string]string) register.Input {
	key := fmt.Sprintf("register-%04d-%d", t.Registers.Now()/window, rng.IntN(registers))
	in := register.Input{Key: key}
	tag := tags[key]
	switch dice := rng.IntN(100); {
	case dice < 50:
		in.Kind = register.Read
	case dice < 68:
		in.Kind = register.Write
	case dice < 76:
		in.Kind = register.Remove
	case dice < 84:
		in.Kind = register.Create
	case tag == "":
		in.Kind = register.Read
	case dice < 94:
		in.Kind, in.Tag = register.Replace, tag
	default:
		in.Kind, in.Tag = register.RemoveMatch, tag
	}
	return in
}

// valueFor is the value of a request, if its kind has one.
func valueFor(k register.Kind, value string) string {
	if k == register.Read || k.Unconditional() == register.Remove {
		return ""
	}
	return value
}
