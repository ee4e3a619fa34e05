package network

import (
	"bufio"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// namespace is a network namespace. A process that does nothing keeps it alive,
// and ends when the end of its input says that this process has.
type namespace struct {
	holder *exec.Cmd
	input  io.Closer
}

func newNamespace() (*namespace, error) {
	ns := &namespace{holder: exec.Command("unshare", "--net", "cat")}
	in, err := ns.holder.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := ns.holder.StdoutPipe()
	if err != nil {
		return nil, err
	}
	ns.input = in
	if err := ns.holder.Start(); err != nil {
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	// What it echoes says that it is there.
	_, err = io.WriteString(in, "there\n")
	if err == nil {
		_, err = bufio.NewReader(out).ReadString('\n')
	}
	if err != nil {
		ns.close()
		return nil, fmt.Errorf("network namespace: %w", err)
	}
	return ns, nil
}

func (ns *namespace) close() {
	ns.input.Close()
	// It ends in one way only, and has nothing to say.
	_ = ns.holder.Wait()
}

func (ns *namespace) pid() int { return ns.holder.Process.Pid }

// prefix is the command line that runs a program in the namespace, in its own
// stead.
func (ns *namespace) prefix() []string {
	return []string{"nsenter", "--net", "--target", strconv.Itoa(ns.pid()), "--"}
}

// run runs a command in the namespace.
func (ns *namespace) run(input string, command ...string) error {
	line := slices.Concat(ns.prefix(), command)
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdin = strings.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(command, " "), err, out)
	}
	return nil
}
