package main

import (
	"bufio"
	"context"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// mallocsMetric is what every Go program's /metrics has for the number of objects
// allocated so far.
const mallocsMetric = "go_memstats_mallocs_total"

// meter reads off what servers spend from its start on.
type meter struct {
	servers []*process
	cpu     float64 // seconds, at the start
	mallocs float64 // objects, at the start, with those of one more look
}

func startMeter(ctx context.Context, servers []*process) (*meter, error) {
	m := &meter{servers: servers}
	first, err := m.allocated(ctx)
	if err != nil {
		return nil, err
	}
	second, err := m.allocated(ctx)
	if err != nil {
		return nil, err
	}
	// A look allocates too, mostly after it has read the number: between the second
	// and the last one there is one look, as much as between the first two.
	m.mallocs = second + (second - first)
	cpu, err := cpuTime(servers)
	m.cpu = cpu.Seconds()
	return m, err
}

// read returns what was spent since the start.
func (m *meter) read(ctx context.Context) (expense, error) {
	cpu, err := cpuTime(m.servers)
	if err != nil {
		return expense{}, err
	}
	mallocs, err := m.allocated(ctx)
	if err != nil {
		return expense{}, err
	}
	bytes, err := resident(m.servers)
	return expense{cpu.Seconds() - m.cpu, mallocs - m.mallocs, float64(bytes)}, err
}

// allocated returns the objects that all servers have allocated so far, NaN if one
// of them does not tell.
func (m *meter) allocated(ctx context.Context) (total float64, err error) {
	for _, p := range m.servers {
		if p.opaque {
			return math.NaN(), nil
		}
		one, err := metric(ctx, p.address, mallocsMetric)
		if err != nil {
			return 0, err
		}
		total += one
	}
	return total, nil
}

// metric returns the sum of a metric's series in a server's /metrics.
func metric(ctx context.Context, address, name string) (sum float64, err error) {
	text, err := ask(ctx, http.MethodGet, address, "/metrics", nil)
	if err != nil {
		return 0, err
	}
	found := false
	for lines := bufio.NewScanner(strings.NewReader(text)); lines.Scan(); {
		rest, ok := strings.CutPrefix(lines.Text(), name)
		if !ok || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		value, err := strconv.ParseFloat(rest[strings.LastIndexByte(rest, ' ')+1:], 64)
		if err != nil {
			return 0, fmt.Errorf("metric %s of %s: %w", name, address, err)
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, fmt.Errorf("%s has no metric %s", address, name)
	}
	return sum, nil
}
