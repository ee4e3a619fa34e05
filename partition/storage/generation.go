package storage

import (
	"fmt"

	"pipelinedht/partition"
)

// MoveCopies ends the life of a node that generation from stands for, and begins
// the next: it re-homes the copies named in moves in generation to, with the
// origins given, drops all other copies of from, and writes meta (a nil value
// deletes), in one durable batch.
//
// A copy keeps its slot and data. Its log is cut away: labels are names within
// one cluster, and terms begin anew in the next. So it then stands at its old
// sequence, under term 0, which no cluster gives, with an empty log; whoever is
// to copy it must take a snapshot.
//
// ErrNoCopy, ErrMarked, ErrExists: a copy to be moved is not there, is not whole,
// or has a namesake in to; nothing was changed.
func (s *Store) MoveCopies(from, to Generation, moves map[partition.ID]partition.Origin, meta map[string][]byte) error {
	s.directory.Lock()
	defer s.directory.Unlock()
	b := s.NewBatch()
	if err := b.moveCopies(from, to, moves); err != nil {
		return fmt.Errorf("move copies of generation %d to %d: %w", from, to, err)
	}
	b.putMeta(meta)
	return b.Commit()
}

func (b *Batch) moveCopies(from, to Generation, moves map[partition.ID]partition.Origin) error {
	if from == to {
		return ErrExists
	}
	moved := 0
	err := b.store.homes(from, 0, func(p partition.ID, h home) (bool, error) {
		origin, keep := moves[p]
		if !keep {
			b.Drop(from, p, h.slot)
			return true, b.err
		}
		moved++
		if _, taken, err := b.store.home(to, p); err != nil || taken {
			return false, fmt.Errorf("partition %d: %w", p, orExists(err))
		}
		b.deleteHome(from, p)
		b.putHome(to, p, home{slot: h.slot, origin: origin})
		b.forgetLog(h.slot)
		return true, b.err
	})
	if err == nil && moved < len(moves) {
		err = fmt.Errorf("%d of %d: %w", len(moves)-moved, len(moves), ErrNoCopy)
	}
	return err
}

func orExists(err error) error {
	if err == nil {
		return ErrExists
	}
	return err
}

// forgetLog cuts a whole copy's log away and has it stand under term 0.
func (b *Batch) forgetLog(s Slot) {
	c := b.copy(s)
	if c == nil {
		return
	}
	if c.pos.Mark != nil {
		b.refuse(s, ErrMarked)
		return
	}
	last := c.pos.Last.Seq
	if c.pos.LogStart <= last {
		b.deleteLog(s, c.pos.LogStart, last)
	}
	c.pos = partition.Position{
		Last:     partition.Label{Seq: last},
		LogStart: last + 1,
		Stamp:    c.pos.Stamp,
		Commit:   last,
	}
	if last > 0 {
		c.pos.Terms = []partition.TermStart{{Term: 0, First: 1}}
	}
	b.putBase(s, &c.pos)
}

// DropGeneration deletes all copies of a generation and writes meta (a nil value
// deletes), in one durable batch.
func (s *Store) DropGeneration(g Generation, meta map[string][]byte) error {
	s.directory.Lock()
	defer s.directory.Unlock()
	b := s.NewBatch()
	err := s.homes(g, 0, func(p partition.ID, h home) (bool, error) {
		b.Drop(g, p, h.slot)
		return true, b.err
	})
	if err != nil {
		return fmt.Errorf("drop generation %d: %w", g, err)
	}
	b.putMeta(meta)
	return b.Commit()
}
