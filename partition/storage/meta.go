package storage

// Meta returns a piece of what the node remembers of itself; false where there
// is none under that name.
func (s *Store) Meta(name string) ([]byte, bool, error) {
	return s.value(append(appendPrefix(nil, nodeSlot, kindMeta), name...))
}

// SetMeta writes metadata by name in one durable batch; a nil value deletes.
func (s *Store) SetMeta(meta map[string][]byte) error {
	b := s.NewBatch()
	b.putMeta(meta)
	return b.Commit()
}
