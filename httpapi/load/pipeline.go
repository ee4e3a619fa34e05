package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

const (
	pipelineAhead = 16        // requests sent ahead of their answers
	pipelineBytes = 256 << 10 // of their values, together; one is always sent

	refusedFrom  = 500 // a status from which on another try may help
	refusedTries = 5   // for such a request, each after refusedPause
	refusedPause = 200 * time.Millisecond
)

// pipeline sends requests ahead of their answers on one connection.
type pipeline struct {
	*conn
	speaker Speaker
	op      Op
	keys    Keys
	key     []byte
	batch   []byte
}

// carryOut does the keys from first to before end.
func (p *pipeline) carryOut(ctx context.Context, first, end int) error {
	numbers := make([]int, 0, end-first)
	for n := first; n < end; n++ {
		numbers = append(numbers, n)
	}
	for try := 1; ; try++ {
		refused, status, err := p.send(ctx, numbers)
		if err != nil || len(refused) == 0 {
			return err
		}
		if status < refusedFrom || try == refusedTries {
			return fmt.Errorf("%s of %s: status %d, at try %d", p.op, p.keys.Append(nil, refused[0]), status, try)
		}
		numbers = refused
		select {
		case <-time.After(refusedPause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// send does each key once, and returns those that did not succeed and the status
// of the last of them.
func (p *pipeline) send(ctx context.Context, numbers []int) (refused []int, last int, err error) {
	if err := p.SetDeadline(time.Now().Add(answerWithin)); err != nil {
		return nil, 0, err
	}
	// This look comes after the deadline was set: an end that it misses sets a
	// nearer one.
	if ctx.Err() != nil {
		return nil, 0, ctx.Err()
	}
	p.batch = p.batch[:0]
	for _, n := range numbers {
		p.key = p.keys.Append(p.key[:0], n)
		p.batch = append(p.batch, p.speaker.Request(p.op, p.key, rand.Uint64())...)
	}
	if _, err := p.Write(p.batch); err != nil {
		return nil, 0, err
	}
	for _, n := range numbers {
		status, err := p.speaker.Answer(p.reader)
		if err != nil {
			return nil, 0, fmt.Errorf("%s of %s: status %d, %w", p.op, p.keys.Append(nil, n), status, err)
		}
		if status != StatusOK {
			refused, last = append(refused, n), status
		}
	}
	return refused, last, nil
}
