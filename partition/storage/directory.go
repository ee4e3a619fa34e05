package storage

import (
	"encoding/binary"
	"errors"
	"fmt"

	"pipelinedht/partition"
)

// Copy is one entry of a generation's directory, and where that copy stands.
type Copy struct {
	Partition partition.ID
	Slot      Slot
	Origin    partition.Origin // zero for a copy that began in this generation
	Position  partition.Position
}

// home is what the directory says of one copy.
type home struct {
	slot   Slot
	origin partition.Origin
}

const homeLen = 3 * 8

func encodeHome(h home) []byte {
	buf := binary.BigEndian.AppendUint64(make([]byte, 0, homeLen), uint64(h.slot))
	buf = binary.BigEndian.AppendUint64(buf, uint64(h.origin.Cluster))
	return binary.BigEndian.AppendUint64(buf, uint64(h.origin.Stamp))
}

func decodeHome(buf []byte) (home, error) {
	if len(buf) != homeLen {
		return home{}, fmt.Errorf("%w: directory entry of %d bytes", ErrCorrupt, len(buf))
	}
	be := binary.BigEndian
	return home{
		slot: Slot(be.Uint64(buf)),
		origin: partition.Origin{
			Cluster: partition.ClusterID(be.Uint64(buf[8:])),
			Stamp:   partition.Stamp(be.Uint64(buf[16:])),
		},
	}, nil
}

// home looks a copy up in the directory.
func (s *Store) home(g Generation, p partition.ID) (home, bool, error) {
	v, found, err := s.value(appendDirectoryKey(nil, g, p))
	if err != nil || !found {
		return home{}, false, err
	}
	h, err := decodeHome(v)
	return h, err == nil, err
}

// homes calls f with the directory of a generation from partition from on,
// ascending by partition, until f returns false.
func (s *Store) homes(g Generation, from partition.ID, f func(partition.ID, home) (bool, error)) error {
	// An iterator of its own: f may write to the directory or read for long.
	var found []Copy
	upper := appendDirectoryKey(nil, g+1, 0)
	err := s.scan(appendDirectoryKey(nil, g, from), upper, func(k, v []byte) (bool, error) {
		if len(k) != directoryKeyLen {
			return false, fmt.Errorf("directory: %w: key of %d bytes", ErrCorrupt, len(k))
		}
		h, err := decodeHome(v)
		found = append(found, Copy{
			Partition: partition.ID(binary.BigEndian.Uint32(k[prefixLen+8:])), Slot: h.slot, Origin: h.origin,
		})
		return true, err
	})
	if err != nil {
		return err
	}
	for _, c := range found {
		if more, err := f(c.Partition, home{c.Slot, c.Origin}); !more || err != nil {
			return err
		}
	}
	return nil
}

// Copies returns the directory of a generation with the copies' positions,
// ascending by partition. A copy whose base, mark or log is damaged is listed
// with a mark that is Fresh: nothing of it can be used.
func (s *Store) Copies(g Generation) ([]Copy, error) {
	var copies []Copy
	err := s.homes(g, 0, func(p partition.ID, h home) (bool, error) {
		pos, err := s.tails.position(h.slot)
		if errors.Is(err, ErrCorrupt) || errors.Is(err, ErrNoCopy) {
			s.failure.log.Error("copy is damaged", "partition", p, "generation", g, "error", err)
			pos, err = s.tails.giveUp(h.slot), nil
		}
		if err != nil {
			return false, fmt.Errorf("partition %d of generation %d: %w", p, g, err)
		}
		copies = append(copies, Copy{Partition: p, Slot: h.slot, Origin: h.origin, Position: own(pos)})
		return true, nil
	})
	return copies, err
}

// Create makes an empty copy and returns its slot. It is not fsynced: it becomes
// durable with the next Commit, or not at all. ErrExists: there is one already.
func (s *Store) Create(g Generation, p partition.ID) (Slot, error) {
	s.directory.Lock()
	defer s.directory.Unlock()
	if _, found, err := s.home(g, p); err != nil {
		return 0, err
	} else if found {
		return 0, fmt.Errorf("create partition %d of generation %d: %w", p, g, ErrExists)
	}
	slot := s.nextSlot
	b := s.NewBatch()
	b.putNextSlot(slot + 1)
	b.putHome(g, p, home{slot: slot})
	b.putBase(slot, &partition.Position{LogStart: 1})
	if err := b.commit(false); err != nil {
		return 0, fmt.Errorf("create partition %d of generation %d: %w", p, g, err)
	}
	s.nextSlot++
	return slot, nil
}
