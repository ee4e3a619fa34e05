// Package layering_test reads the module's import graph and checks that imports
// point down only: cmd, then the adapters (httpapi, partition/host, fsm,
// transport), which do not know each other, then partition and its parts.
package layering_test

import (
	"path"
	"slices"
	"strings"
	"testing"
)

const module = "pipelinedht"

// layer is a package, and all below it that have no row of their own.
type layer struct {
	path    string
	may     []string // what of this module it may import, besides itself
	instead string   // what to write instead of any other import
}

// layers is the drawing in ARCHITECTURE.md as a table.
var layers = []layer{
	{"partition", nil,
		"partition is values and pure functions: put what needs the import where it is used"},
	{"partition/storage", []string{"partition"},
		"storage knows bytes on disk only: let partition/host pass in what it needs"},
	{"partition/replica", []string{"partition"},
		"the protocol is pure: let it say in a Ready what is to be done, and partition/host do it"},
	{"partition/host", []string{"partition", "partition/replica", "partition/storage"},
		"declare the interface that host needs in host, and let cmd/internal/node pass in what implements it"},
	{"fsm", []string{"partition"},
		"declare the interface that fsm needs in fsm, and let cmd/internal/node pass in what implements it"},
	{"transport", []string{"partition"},
		"transport carries bytes: let its Handler, wired in cmd/internal/node, give them a meaning"},
	{"httpapi", []string{"partition", "httpapi/ui"},
		"declare the interface that httpapi needs in httpapi, and let cmd/internal/node pass in what implements it"},
	{"httpapi/client", []string{"partition"},
		"the client speaks HTTP to a node, as any other program: repeat the few names of the contract"},
	{"httpapi/load", nil,
		"the load generator must cost little and know nothing of what it drives: repeat the few names of the contract"},
	{"httpapi/ui", nil,
		"the dashboard is files; what it shows comes over HTTP"},
	{"cmd/internal/node", []string{"partition", "partition/storage", "partition/replica", "partition/host", "fsm", "transport", "httpapi"},
		"node wires the parts: it needs no command and no client"},
	{"cmd/dht", []string{"cmd/internal/node", "httpapi", "httpapi/client", "httpapi/load", "partition"},
		"a subcommand parses flags and calls cmd/internal/node, httpapi/client or httpapi/load: put the rest there"},
	{"tests/bench", []string{"httpapi/load"},
		"bench starts the built binary and sees what a user sees; the load generator alone is shared with dht bench"},
	{judge, nil,
		"the judge of histories knows nothing of who asks: let the test turn its answers into the judge's"},
	{"tests", []string{"tests/harness", judge},
		"tests sees what a user sees: ask the node over HTTP, or test the package beside its code"},
}

// judge is what tests of every layer may import.
const judge = "tests/register"

// library is an import from outside that has one home.
type library struct {
	path    string // exactly this package
	homes   []string
	instead string
}

var libraries = []library{
	{"github.com/cockroachdb/pebble/v2", []string{"partition/storage"}, "use partition/storage"},
	{"github.com/hashicorp/raft", []string{"fsm", "transport"}, "use fsm"},
	{"github.com/hashicorp/raft-boltdb/v2", []string{"fsm"}, "use fsm"},
	{"github.com/gorilla/mux", []string{"httpapi", "tests/bench"}, "add the route in httpapi"},
	{"github.com/spf13/cobra", []string{"cmd/dht"}, "parse flags in cmd/dht and pass a Config on"},
	{"net/http", []string{"httpapi", "httpapi/client", "transport", "cmd", "tests"}, "let httpapi speak HTTP"},
}

// impure is what the pure packages may not touch: the caller brings time, disk
// and network.
var (
	pure   = []string{"partition", "partition/replica"}
	impure = []string{"os", "net", "net/http", "context", "sync", "sync/atomic", "log", "log/slog", "syscall", "os/signal", "math/rand"}
)

func TestImportsPointDown(t *testing.T) {
	t.Parallel()
	for name, imports := range readImports(t) {
		l, ok := layerOf(name)
		if !ok {
			t.Errorf("%s is in no layer: add it to layers with what it may import, or put its files where they belong", name)
			continue
		}
		tests := slices.DeleteFunc(slices.Clone(imports.tests), func(i string) bool { return i == module+"/"+judge })
		for _, imported := range slices.Concat(imports.program, tests) {
			if other, ours := strings.CutPrefix(imported, module+"/"); ours && other != name && !l.allows(other) {
				t.Errorf("%s imports %s: %s", name, other, l.instead)
			}
		}
	}
}

func TestLibrariesHaveOneHome(t *testing.T) {
	t.Parallel()
	for name, imports := range readImports(t) {
		for _, lib := range libraries {
			home := slices.ContainsFunc(lib.homes, func(h string) bool { return within(name, h) })
			if !home && slices.Contains(imports.program, lib.path) {
				t.Errorf("%s imports %s: %s", name, lib.path, lib.instead)
			}
		}
	}
}

func TestPurePackagesTouchNoClockDiskOrNetwork(t *testing.T) {
	t.Parallel()
	for name, imports := range readImports(t) {
		for _, bad := range impure {
			if slices.Contains(pure, name) && slices.Contains(imports.program, bad) {
				t.Errorf("%s imports %s: let the caller pass in what comes from there, and do the work outside", name, bad)
			}
		}
	}
}

// allows reports whether a package of the layer may import other. Below a layer
// without a row is the layer's own affair.
func (l layer) allows(other string) bool {
	if slices.Contains(l.may, other) {
		return true
	}
	home, ok := layerOf(other)
	return ok && home.path == l.path
}

// layerOf returns the layer that a package is in: its own, or that of the
// nearest package above it.
func layerOf(name string) (layer, bool) {
	for ; name != "." && name != ""; name = path.Dir(name) {
		if i := slices.IndexFunc(layers, func(l layer) bool { return l.path == name }); i >= 0 {
			return layers[i], true
		}
	}
	return layer{}, false
}

// within reports whether a package is another one or below it.
func within(name, top string) bool { return name == top || strings.HasPrefix(name, top+"/") }
