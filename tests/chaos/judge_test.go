package chaos_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"pipelinedht/tests/chaos/cluster"
	"pipelinedht/tests/chaos/traffic"
	"pipelinedht/tests/harness"
	"pipelinedht/tests/register"
	"pipelinedht/tests/request"
)

const (
	// readers is how many requests are under way to one node in the end.
	readers = 4
	// shown bounds how many keys a violation names.
	shown = 5
	// judgeClient is the number of the first client that a node's last reads stand
	// for.
	judgeClient = 2_000_000
)

// judge stops the traffic and checks what clients were told, and what is there.
func (r *run) judge() {
	r.fresh()
	r.traffic.Stop()
	listed := r.list()
	r.judgeOnce(listed)
	if r.bitten && len(r.wrong) > 0 {
		return // that will do, and takes long to draw
	}
	r.readRegisters(listed)
	faults, err := r.traffic.Registers.Check(func() string { return r.dir })
	if err != nil {
		r.log("draw histories: %v", err)
	}
	for _, fault := range faults {
		if fault.Unsure {
			r.violation("%v", fault)
		} else {
			r.noteWrong("%v", fault)
		}
	}
	for _, odd := range r.traffic.Odd() {
		r.violation("an answer that the contract does not have: %s", odd)
	}
	count := r.traffic.Count()
	r.Done, r.Failed, r.Unknown = count.Done, count.Failed, count.Unknown
	r.Operations, _ = r.traffic.Registers.Size()
	r.Registers = len(r.traffic.Registers.Keys())
	for _, sample := range r.traffic.Samples() {
		r.log("failed though no fault was upon the node: %s", sample)
	}
	r.log("%d requests answered, %d failed, %d unknown; %d through nodes without a fault; %d keys written once",
		r.Done, r.Failed, r.Unknown, count.FailedWell, r.Once)
}

// fresh writes a key through each node that none has had yet.
func (r *run) fresh() {
	for i, m := range r.cluster.Members() {
		key := fmt.Sprintf("register-fresh-%d", i)
		in := register.Input{Kind: register.Write, Key: key, Value: "through " + m.Name}
		called := r.traffic.Registers.Now()
		a, err := request.Send(m.Client, in)
		out, verdict, err := request.Judge(in, a, err)
		if verdict != request.Failed {
			r.traffic.Registers.Record(judgeClient+i, in, out, called)
		}
		if verdict != request.Done {
			r.violation("a fresh write through %s: %v", m.Name, err)
		}
	}
}

// list returns which node lists each key, and notes keys that two do.
func (r *run) list() map[string]string {
	by := make(map[string]string)
	var twice []string
	for _, m := range r.cluster.Members() {
		keys, err := m.Keys()
		if err != nil {
			r.violation("keys of %s: %v", m.Name, err)
		}
		for _, key := range keys {
			if other, ok := by[key]; ok {
				twice = append(twice, fmt.Sprintf("%s by %s and %s", key, other, m.Name))
			}
			by[key] = m.Name
		}
	}
	r.violations("listed twice", twice)
	return by
}

// judgeOnce checks that what was acknowledged is there and what surely failed is
// not, in the listings and through every node.
func (r *run) judgeOnce(listed map[string]string) {
	fates := r.traffic.Once.Fates()
	r.Once = len(r.traffic.Once.Keys(traffic.Acknowledged))
	var unlisted, invented []string
	for key, fate := range fates {
		if fate == traffic.Acknowledged && listed[key] == "" {
			unlisted = append(unlisted, key)
		}
	}
	for key, by := range listed {
		fate, written := fates[key]
		if strings.HasPrefix(key, "once-") && (!written || fate == traffic.Never) {
			invented = append(invented, key+" by "+by)
		}
	}
	r.violations("acknowledged and not listed", unlisted)
	r.violations("listed but never written", invented)

	keys := slices.Concat(r.traffic.Once.Keys(traffic.Acknowledged), r.traffic.Once.Keys(traffic.Perhaps), r.traffic.Once.Keys(traffic.Never))
	r.everywhere(func(_ int, m *cluster.Member) error {
		return harness.EachKey(keys, readers, func(_ int, key string) error {
			value, found, err := m.Get(key)
			switch {
			case err != nil:
				return err
			case found != (listed[key] != ""):
				return fmt.Errorf("%s (%v): found %t, listed by %q", key, fates[key], found, listed[key])
			case found && value != traffic.ValueOf(key):
				return fmt.Errorf("%s: got %d bytes, want the %d that were written", key, len(value), len(traffic.ValueOf(key)))
			}
			return nil
		})
	})
}

// readRegisters reads every register through every node, into its history, and
// checks that the listings have those that have a value.
func (r *run) readRegisters(listed map[string]string) {
	h := r.traffic.Registers
	keys := h.Keys()
	r.everywhere(func(i int, m *cluster.Member) error {
		return harness.EachKey(keys, readers, func(j int, key string) error {
			in := register.Input{Kind: register.Read, Key: key}
			called := h.Now()
			a, err := request.Send(m.Client, in)
			out, verdict, err := request.Judge(in, a, err)
			if verdict != request.Done {
				return err
			}
			h.Record(judgeClient+i, in, out, called)
			if out.Found != (listed[key] != "") {
				return fmt.Errorf("%s: found %t, listed by %q", key, out.Found, listed[key])
			}
			return nil
		})
	})
	known := make(map[string]bool)
	for _, key := range keys {
		known[key] = true
	}
	var invented []string
	for key := range listed {
		if !known[key] && !strings.HasPrefix(key, "once-") {
			invented = append(invented, key)
		}
	}
	r.violations("listed but never written", invented)
}

// everywhere calls f for all members at once, and notes what went wrong.
func (r *run) everywhere(f func(i int, m *cluster.Member) error) {
	members := r.cluster.Members()
	errs := make([]error, len(members))
	var running sync.WaitGroup
	for i, m := range members {
		running.Go(func() { errs[i] = f(i, m) })
	}
	running.Wait()
	for i, err := range errs {
		if err != nil {
			r.violation("read through %s in the end: %v", members[i].Name, err)
		}
	}
}

// violations notes all keys that have the same thing wrong with them as one.
func (r *run) violations(what string, keys []string) {
	if len(keys) == 0 {
		return
	}
	slices.Sort(keys)
	r.noteWrong("%s: %d keys, such as %q", what, len(keys), keys[:min(shown, len(keys))])
}
