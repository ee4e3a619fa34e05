package realinput_test

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pipelinedht/tests/harness"
)

// tree is the files below a directory.
type tree struct {
	root  string
	paths []string // relative to root, with slashes: the keys
	sums  map[string][sha256.Size]byte
	bytes int64
}

// goSource returns the source tree of the Go installation: some 10,000 files.
func goSource(t *testing.T) *tree {
	t.Helper()
	out, err := exec.Command("go", "env", "GOROOT").Output()
	must(t, err)
	tr := &tree{
		root: filepath.Join(strings.TrimSpace(string(out)), "src"),
		sums: make(map[string][sha256.Size]byte),
	}
	err = fs.WalkDir(os.DirFS(tr.root), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := tr.read(path)
		if err != nil {
			return err
		}
		tr.paths = append(tr.paths, path)
		tr.sums[path] = sha256.Sum256(data)
		tr.bytes += int64(len(data))
		return nil
	})
	must(t, err)
	slices.Sort(tr.paths)
	return tr
}

func (tr *tree) read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(tr.root, filepath.FromSlash(path)))
}

// load puts every file, through all nodes in turn.
func (tr *tree) load(nodes []*harness.Node, parallel int) error {
	return harness.EachKey(tr.paths, parallel, func(i int, path string) error {
		data, err := tr.read(path)
		if err != nil {
			return err
		}
		_, err = nodes[i%len(nodes)].Do("PUT", harness.KeyPath(path), data)
		return err
	})
}

// compare reads one file from a node and compares its sum.
func (tr *tree) compare(n *harness.Node, path string) error {
	got, found, err := n.Get(path)
	switch {
	case err != nil:
		return fmt.Errorf("%s from %s: %w", path, n.Name, err)
	case !found:
		return fmt.Errorf("%s from %s: not found", path, n.Name)
	case sha256.Sum256([]byte(got)) != tr.sums[path]:
		return fmt.Errorf("%s from %s: %d other bytes", path, n.Name, len(got))
	}
	return nil
}
