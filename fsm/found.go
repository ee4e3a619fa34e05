package fsm

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// complete checks the configuration, reporting every fault, and fills in what
// may be left out.
func (cfg *Config) complete() error {
	var errs []error
	require := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	require(cfg.Cluster != 0, "no cluster id")
	require(cfg.Self != 0, "no node id")
	require(cfg.Incarnation != 0, "no incarnation")
	require(cfg.Streams != nil, "no stream layer")
	require(cfg.Caller != nil, "no caller")
	require(namable(cfg.Name, cfg.Address), fmt.Sprintf("name and address must have 1 to %d bytes", maxString))
	if cfg.Founder != nil {
		if err := checkSettings(*cfg.Founder); err != nil {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("raft configuration: %w", err)
	}
	if cfg.ReplaceAfter == 0 {
		cfg.ReplaceAfter = defaultReplaceAfter
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	fatal := cfg.Fatal
	if fatal == nil {
		fatal = func(err error) { panic(err) }
	}
	var once sync.Once
	cfg.Fatal = func(err error) { once.Do(func() { fatal(err) }) }
	return nil
}

// raft returns hashicorp/raft's configuration. Its time-outs are above the real
// ones by a little: see hasten.
func (cfg *Config) raft() *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = serverID(cfg.Self)
	c.HeartbeatTimeout = heartbeatTimeout + time.Millisecond
	c.ElectionTimeout = electionTimeout + time.Millisecond
	c.LeaderLeaseTimeout = leaderLease
	c.CommitTimeout = commitTimeout
	c.SnapshotInterval = snapshotCheck
	c.SnapshotThreshold = snapshotEvery
	c.TrailingLogs = keptEntries
	c.ShutdownOnRemove = false
	c.NoLegacyTelemetry = true
	return c
}

// plant writes what a new log starts from: of a founder the configuration that
// it is the only voter of, and the founding command; of any other node nothing.
// Raft commits both when it elects itself.
func (cfg *Config) plant(log logStore) error {
	if cfg.Founder == nil {
		return nil
	}
	alone := raft.Configuration{Servers: []raft.Server{{
		Suffrage: raft.Voter, ID: serverID(cfg.Self), Address: serverAddress(cfg.Self),
	}}}
	err := raft.BootstrapCluster(cfg.raft(), log, log, raft.NewDiscardSnapshotStore(), nil, alone)
	if err != nil {
		return err
	}
	return log.StoreLog(&raft.Log{
		Index: 2, Term: 1, Type: raft.LogCommand, AppendedAt: cfg.Clock(),
		Data: encodeCommand(header{proposer: cfg.Self, incarnation: cfg.Incarnation}, &found{
			cluster: cfg.Cluster, settings: *cfg.Founder, stamp: cfg.Stamp, name: cfg.Name, address: cfg.Address,
		}),
	})
}
