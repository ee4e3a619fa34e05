package harness

import (
	"cmp"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// process is one run of the binary. Its exit is collected by the goroutine that
// start begins; exited is closed then, and err may be read.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error
}

// environment is this process's own without what would configure a node behind
// the test's back.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "DHT_") {
			env = append(env, kv)
		}
	}
	return append(env, "GORACE=halt_on_error=1")
}

// start runs the binary with args, as s says.
func (s Spec) start(log *os.File, args []string) (*process, error) {
	line := slices.Concat(s.Prefix, []string{cmp.Or(s.Program, program)}, args)
	p := &process{cmd: exec.Command(line[0], line[1:]...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.Env = append(environment(), s.Env...)
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

func (p *process) running() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// signal sends sig and reports whether the process was there to get it.
func (p *process) signal(sig os.Signal) error {
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// waitFor reports whether the process ended within d.
func (p *process) waitFor(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-p.exited:
		return true
	case <-timer.C:
		return false
	}
}

// kill ends the process as kill -9 does and waits for it.
func (p *process) kill() {
	// An error means that it has ended, which is what is wanted.
	_ = p.signal(syscall.SIGKILL)
	<-p.exited
}
