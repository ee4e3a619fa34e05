package main

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"pipelinedht/cmd/internal/node"
)

func (p *program) raftCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "raft",
		Short: "Mend a cluster that has lost its majority",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(p.recoverCommand())
	return cmd
}

const recoverHelp = `Take the data directory of a node that does not run, whose cluster has lost more than
half of its voters for ever, and make it that of a node which stands alone, in a new
cluster, with the data that it can vouch for. Do so with every node that is left, start
them, and have all others join one of them (dht join) before clients write again: the
data come together, and where two have a key the later write counts.

What is given up:

  * partitions of which no recovered node had an in-sync copy: their keys are lost;
  * what was acknowledged after a node had last heard of its cluster's leader, if the
    nodes that acknowledged it are not recovered: a node cannot know that it had been
    dropped from a partition's in-sync copies. With values the later write counts; but
    a key may return that was deleted meanwhile;
  * writes whose outcome was unknown, and copies that were still catching up.

Without --yes, and without a terminal to ask on, it says what it would do and changes
nothing. Of several nodes the one with the higher Raft term, then index, has heard more.
Take a copy of the directory first. The former Raft state is kept in it, as
recovered-raft-N. Nodes of the former cluster that return after all cannot mix with the
new one: they say so, serve nothing, and are brought in the same way.

`

func (p *program) recoverCommand() *cobra.Command {
	var (
		dir string
		yes bool
	)
	cmd := &cobra.Command{
		Use:   "recover --data-dir DIR",
		Short: "Bring a cluster back that has lost its majority for ever, from what is left",
		Long:  recoverHelp + exitHelp,
		Args:  cobra.NoArgs,
	}
	flags := cmd.Flags()
	flags.StringVar(&dir, "data-dir", "", "data directory of the node; required")
	offerEnvironment(flags)
	flags.BoolVar(&yes, "yes", false, "do it without asking")
	cmd.RunE = p.do(func(*cobra.Command, []string) error {
		if dir == "" {
			return fmt.Errorf("%w: --data-dir: name the data directory", errUsage)
		}
		return p.recover(dir, yes)
	})
	return cmd
}

func (p *program) recover(dir string, yes bool) (err error) {
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	r, err := node.OpenRecovery(dir, log)
	if err != nil {
		return err
	}
	defer func() {
		if closing := r.Close(); err == nil {
			err = closing
		}
	}()
	p.printRecovery(r)
	if !yes {
		if err := p.confirm(r.Name); err != nil {
			return err
		}
	}
	if err := r.CarryOut(); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "done: start %s; it stands alone. Recover the other nodes that are left, and have them join it.\n", r.Name)
	return nil
}

func (p *program) printRecovery(r *node.Recovery) {
	w := p.stdout
	if r.Joining {
		fmt.Fprintf(w, "%s stands alone and was about to join cluster %s. That is given up; it keeps all its data.\n", r.Name, r.Cluster)
		return
	}
	var others []string
	for _, peer := range r.Peers {
		if peer.Name != r.Name {
			others = append(others, fmt.Sprintf("%s (%s)", peer.Name, peer.State))
		}
	}
	fmt.Fprintf(w, "%s of cluster %s, with %s\n", r.Name, r.Cluster, strings.Join(others, ", "))
	fmt.Fprintf(w, "last heard of: ring version %d, Raft term %d, index %d\n", r.Version, r.RaftTerm, r.RaftIndex)
	fmt.Fprintf(w, "kept: %d of %d partitions, whose copies here were in sync\n", r.Partitions-len(r.Missing), r.Partitions)
	if len(r.Missing) > 0 {
		var list []string
		for _, id := range r.Missing {
			list = append(list, fmt.Sprint(id))
		}
		fmt.Fprintf(w, "given up here, to come from other nodes or to be lost: %d partitions: %s\n", len(r.Missing), strings.Join(list, " "))
	}
	fmt.Fprintf(w, "The cluster %s ends for this node for good. What that gives up: dht raft recover --help\n", r.Cluster)
}

// confirm asks for the node's name on a terminal. Anything else is an error, and so
// is that there is none to ask on.
func (p *program) confirm(name string) error {
	in, ok := p.stdin.(*os.File)
	if ok {
		info, err := in.Stat()
		ok = err == nil && info.Mode()&fs.ModeCharDevice != 0
	}
	if !ok {
		return errors.New("nothing was changed: do it with --yes")
	}
	fmt.Fprintf(p.stdout, "Type the node's name to go on: ")
	line, err := bufio.NewReader(in).ReadString('\n')
	if strings.TrimSpace(line) != name {
		if err != nil && line == "" {
			fmt.Fprintln(p.stdout)
		}
		return fmt.Errorf("nothing was changed: that is not %q", name)
	}
	return nil
}
