package fsm

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"
)

// repeatAfter is how often one and the same message of Raft's is logged at its
// own level; in between it goes to Debug. A peer that is down makes two a second.
const repeatAfter = 30 * time.Second

// raftLogger is an hclog.Logger that writes to slog, one level down: what is an
// error to Raft (a peer that does not answer) is a warning to us, because what
// we cannot live with comes through Config.Fatal.
type raftLogger struct {
	hclog.Logger // a null logger: what is not overridden does nothing
	to           *slog.Logger
	seen         *lastSeen
}

// lastSeen is keyed by message text; Raft's texts are constants, so few.
type lastSeen struct {
	mu sync.Mutex
	at map[string]time.Time
}

func newRaftLogger(to *slog.Logger) hclog.Logger {
	return &raftLogger{Logger: hclog.NewNullLogger(), to: to, seen: &lastSeen{at: make(map[string]time.Time)}}
}

// often reports whether the message was there less than repeatAfter ago.
func (s *lastSeen) often(msg string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if last, ok := s.at[msg]; ok && now.Sub(last) < repeatAfter {
		return true
	}
	s.at[msg] = now
	return false
}

func (l *raftLogger) Log(level hclog.Level, msg string, args ...any) {
	var to slog.Level
	switch level {
	case hclog.Error:
		to = slog.LevelWarn
	case hclog.Warn:
		to = slog.LevelInfo
	case hclog.Info:
		to = slog.LevelDebug
	default:
		return
	}
	if to > slog.LevelDebug && l.seen.often(msg) {
		to = slog.LevelDebug
	}
	if !l.to.Enabled(context.Background(), to) {
		return
	}
	for i, a := range args {
		if f, ok := a.(hclog.Format); ok && len(f) > 0 {
			if format, ok := f[0].(string); ok {
				args[i] = fmt.Sprintf(format, f[1:]...)
			}
		}
	}
	l.to.Log(context.Background(), to, "raft: "+msg, args...)
}

func (l *raftLogger) Info(msg string, args ...any)  { l.Log(hclog.Info, msg, args...) }
func (l *raftLogger) Warn(msg string, args ...any)  { l.Log(hclog.Warn, msg, args...) }
func (l *raftLogger) Error(msg string, args ...any) { l.Log(hclog.Error, msg, args...) }

func (l *raftLogger) With(args ...any) hclog.Logger {
	return &raftLogger{Logger: l.Logger, to: l.to.With(args...), seen: l.seen}
}

func (l *raftLogger) Named(string) hclog.Logger      { return l }
func (l *raftLogger) ResetNamed(string) hclog.Logger { return l }
