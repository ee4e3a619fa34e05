// Package request turns what is asked of a register into HTTP, and the answer into
// what was told.
package request

import (
	"errors"
	"fmt"
	"net"
	"net/http"

	"pipelinedht/tests/harness"
	"pipelinedht/tests/register"
)

// Verdict is what an answer says about the request beside its Output.
type Verdict uint8

const (
	Done    Verdict = iota // carried out, or refused by its condition
	Failed                 // surely without effect: 503, or never sent
	Unknown                // 504, or a connection that broke after it was sent
	Odd                    // an answer that the contract does not have
)

func (v Verdict) String() string { return [...]string{"done", "failed", "unknown", "odd"}[v] }

// Send sends the request that in stands for.
func Send(to *harness.Client, in register.Input) (harness.Answer, error) {
	path := harness.KeyPath(in.Key)
	switch in.Kind {
	case register.Read:
		return to.Do("GET", path, nil)
	case register.Write:
		return to.Do("PUT", path, []byte(in.Value))
	case register.Create:
		return to.Do("PUT", path, []byte(in.Value), "If-None-Match", "*")
	case register.Replace:
		return to.Do("PUT", path, []byte(in.Value), "If-Match", in.Tag)
	case register.RemoveMatch:
		return to.Do("DELETE", path, nil, "If-Match", in.Tag)
	default:
		return to.Do("DELETE", path, nil)
	}
}

// Judge turns an answer of Send into what it says. The error says what was wrong
// with it: nil with Done only.
func Judge(in register.Input, a harness.Answer, err error) (register.Output, Verdict, error) {
	var status *harness.StatusError
	var network *net.OpError
	switch {
	case err == nil, a.Status == http.StatusPreconditionFailed && errors.As(err, &status):
	case errors.As(err, &network) && network.Op == "dial":
		return register.Output{}, Failed, err
	case !errors.As(err, &status), a.Status == http.StatusGatewayTimeout:
		return register.Output{Unknown: true}, Unknown, err
	case a.Status == http.StatusServiceUnavailable:
		return register.Output{}, Failed, err
	default:
		return register.Output{Unknown: true}, Odd, err
	}
	out := register.Output{
		Refused: a.Status == http.StatusPreconditionFailed,
		Found:   a.Header.Get("DHT-Found") != "false",
		Tag:     a.Header.Get("ETag"),
	}
	if in.Kind == register.Read {
		out.Value = a.Body
	}
	if err := contradiction(in, out); err != nil {
		return register.Output{Unknown: true}, Odd, fmt.Errorf("%w: DHT-Found %q, ETag %q, %d bytes",
			err, a.Header.Get("DHT-Found"), a.Header.Get("ETag"), len(a.Body))
	}
	return out, Done, nil
}

var errContradiction = errors.New("contradictory answer")

// contradiction says what in an answer with 200 or 412 denies the rest of it.
func contradiction(in register.Input, out register.Output) error {
	conditional := in.Kind == register.Create || in.Kind == register.Replace || in.Kind == register.RemoveMatch
	ok := true
	switch {
	case out.Refused:
		ok = conditional && out.Tag != in.Tag // a Create demands none
	case in.Kind == register.Read:
		ok = out.Found == (out.Tag != "") && (out.Found || out.Value == "")
	case in.Kind == register.Remove, in.Kind == register.RemoveMatch:
		ok = out.Tag == ""
	default:
		ok = out.Tag != ""
	}
	if !ok {
		return fmt.Errorf("%v of %s: %w", in.Kind, in.Key, errContradiction)
	}
	return nil
}
