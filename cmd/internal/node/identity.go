package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	"pipelinedht/fsm"
)

// Errors of Open for a data directory that this node cannot go on with.
var (
	// ErrNewerState: use the newer version of the program that wrote it.
	ErrNewerState = errors.New("the data directory was written by a newer version of this program")
	// ErrOtherName: start the node under its own name, or with another directory.
	ErrOtherName = errors.New("the data directory belongs to a node of another name")
	// ErrHalfRecovered: run the recovery again.
	ErrHalfRecovered = errors.New("a recovery of the data directory was cut short: run dht raft recover again")
	// ErrNoRaft: restore the directory as it was at the same moment as the rest, or
	// start with an empty data directory and join again.
	ErrNoRaft = errors.New("the Raft directory is missing; without it the node has forgotten its votes: restore it, or start with an empty data directory")
	// ErrNoStore: likewise.
	ErrNoStore = errors.New("the store is missing or empty, though the node had a life before: restore it, or, where the cluster has other members, empty the data directory, start the node under its name and let it join them")
)

// readState reads who the node is from its store, or makes it up where the store
// is new, and has this start durable before anything is said under the identity.
func (n *Node) readState() error {
	text, ok, err := n.store.Meta(stateKey)
	if err != nil {
		return fmt.Errorf("read the node's state: %w", err)
	}
	if !ok {
		if err := n.checkEmpty(); err != nil {
			return err
		}
		return n.commit(func(s *state) {
			s.Name = n.cfg.Name
			s.Latest = 1
			s.Life = newFounder(1, n.cfg.settings(), founder{})
		})
	}
	var s state
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("read the node's state: %w", err)
	}
	switch {
	case s.Format > stateFormat:
		return ErrNewerState
	case s.Name != n.cfg.Name:
		return fmt.Errorf("%w: %q, not %q", ErrOtherName, s.Name, n.cfg.Name)
	}
	if err := n.checkRaft(s.Life); err != nil {
		return err
	}
	n.state = s
	n.keepOnly(s.Leave)
	return n.commit(func(s *state) {
		s.Life.Incarnation++
		if s.Join != nil {
			join := *s.Join
			join.Life.Incarnation++
			join.Address = n.address
			s.Join = &join
		}
	})
}

// checkRaft refuses a life whose Raft directory is gone.
func (n *Node) checkRaft(r lifeRecord) error {
	dir := n.raftDir(r.Generation)
	if dir == "" || !r.Risen {
		return nil
	}
	there, err := fsm.Exists(dir)
	if err != nil || there {
		return err
	}
	if begun, err := fsm.Exists(setAsideIn(n.cfg.DataDir, r.Generation)); err != nil || begun {
		return errors.Join(ErrHalfRecovered, err)
	}
	return fmt.Errorf("%w: %s", ErrNoRaft, dir)
}

// commit changes the state: durably first, together with more metadata, if any.
// An error means that the store has failed, and ends the node.
func (n *Node) commit(change func(*state), more ...map[string][]byte) error {
	n.mu.Lock()
	s := n.state
	n.mu.Unlock()
	change(&s)
	meta := s.meta()
	for _, m := range more {
		maps.Copy(meta, m)
	}
	if err := n.store.SetMeta(meta); err != nil {
		err = fmt.Errorf("store the node's state: %w", err)
		n.fail(err)
		return err
	}
	n.publish(s)
	return nil
}

// publish makes s the state as stored.
func (n *Node) publish(s state) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state = s
}

// stored returns the state as last stored.
func (n *Node) stored() state {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.state
}
