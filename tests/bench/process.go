package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// startWithin bounds the time from a process's start to the line with its address.
const startWithin = 20 * time.Second

// announcement is how a server says where it listens, on its first line.
var announcement = regexp.MustCompile(`http://([^\s,]+)`)

// process is a running server.
type process struct {
	cmd     *exec.Cmd
	address string // host:port
	opaque  bool   // has no /metrics with what it allocates
	log     *os.File
	drained chan struct{} // closed when its standard output has ended
}

// start runs a program that prints a line with its URL once it serves. Its
// standard error goes to a file in dir that bears the name.
func start(ctx context.Context, dir, name, program string, args ...string) (*process, error) {
	p, said, err := spawn(dir, name, program, args...)
	if err != nil {
		return nil, err
	}
	timer := time.NewTimer(startWithin)
	defer timer.Stop()
	select {
	case p.address = <-said:
	case <-timer.C:
	case <-ctx.Done():
	}
	if p.address == "" {
		p.kill()
		return nil, errors.Join(ctx.Err(), fmt.Errorf("start %s: it did not say where it serves:\n%s", name, tail(p.log.Name())))
	}
	return p, nil
}

// spawn runs a program, and sends what its first line says is its address, "" if it
// does not say.
func spawn(dir, name, program string, args ...string) (p *process, said <-chan string, err error) {
	log, err := os.Create(logPath(dir, name))
	if err != nil {
		return nil, nil, err
	}
	p = &process{cmd: exec.Command(program, args...), log: log, drained: make(chan struct{})}
	p.cmd.Stderr = log
	p.cmd.SysProcAttr = dieWithParent()
	p.cmd.Env = environment()
	out, err := p.cmd.StdoutPipe()
	if err == nil {
		err = p.cmd.Start()
	}
	if err != nil {
		log.Close()
		return nil, nil, fmt.Errorf("start %s: %w", name, err)
	}
	address := make(chan string, 1)
	go p.listen(out, address)
	return p, address, nil
}

// logPath is where a program's standard error goes.
func logPath(dir, name string) string { return filepath.Join(dir, name+".log") }

// listen sends the address in the first line of out, "" if there is none, and
// reads on so that the process never waits for a reader.
func (p *process) listen(out io.Reader, said chan<- string) {
	defer close(p.drained)
	r := bufio.NewReader(out)
	line, _ := r.ReadString('\n') // its end shows as a line without an address
	if m := announcement.FindStringSubmatch(line); m != nil {
		said <- m[1]
	} else {
		said <- ""
	}
	_, _ = io.Copy(io.Discard, r) // ends with the process
}

// kill ends the process at once: what it holds is of no use any more.
func (p *process) kill() {
	// It may have ended by itself, which is as good.
	_ = p.cmd.Process.Kill()
	<-p.drained
	_ = p.cmd.Wait()
	p.log.Close()
}

// environment is this process's own without what would configure a node.
func environment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "DHT_") {
			env = append(env, kv)
		}
	}
	return env
}

// tail returns the end of a log.
func tail(name string) string {
	const most = 2000
	text, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
