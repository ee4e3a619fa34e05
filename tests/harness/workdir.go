package harness

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Dir returns a new directory for this test. It goes with the test, unless the
// test failed or DHTTEST_KEEP is set: then it stays and its path is printed.
func Dir(t testing.TB, purpose string) string {
	t.Helper()
	keep := os.Getenv("DHTTEST_KEEP")
	name := strings.ReplaceAll(t.Name(), "/", "_") + "-" + purpose + "-"
	dir, err := os.MkdirTemp(keep, name)
	if err != nil {
		t.Fatalf("directory for %s: %v", purpose, err)
	}
	dir, err = filepath.Abs(dir)
	if err != nil {
		t.Fatalf("directory for %s: %v", purpose, err)
	}
	t.Cleanup(func() {
		if t.Failed() || keep != "" {
			t.Logf("%s kept in %s", purpose, dir)
			return
		}
		os.RemoveAll(dir)
	})
	return dir
}
