package layering_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// moduleRoot is seen from this directory.
const moduleRoot = "../.."

// imports are what the files of one package import, whatever their build tags.
type imports struct {
	program []string
	tests   []string // of its test files, of the external test package too
}

// readImports returns the imports of every package of the module, by its path in
// the module. It reads the files itself, rather than ask the go command, so that
// no build tag hides one, and so that the go command knows that this test is to
// be run again when one of them changes.
func readImports(t *testing.T) map[string]*imports {
	t.Helper()
	packages := make(map[string]*imports)
	err := fs.WalkDir(os.DirFS(moduleRoot), ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		p := packages[path.Dir(name)]
		if p == nil {
			p = new(imports)
			packages[path.Dir(name)] = p
		}
		list := &p.program
		if strings.HasSuffix(name, "_test.go") {
			list = &p.tests
		}
		return readFile(name, list)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(packages) < 5 {
		t.Fatalf("packages in %s: got %d, want those of the module", moduleRoot, len(packages))
	}
	return packages
}

// readFile adds the imports of one file to list.
func readFile(name string, list *[]string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path.Join(moduleRoot, name), nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return err
		}
		if !slices.Contains(*list, imported) {
			*list = append(*list, imported)
		}
	}
	return nil
}
