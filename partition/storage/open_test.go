package storage_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/atomicfs"

	"pipelinedht/partition/storage"
)

// holdEnv makes this test binary another process that has the named directory
// open until its standard input ends.
const holdEnv = "STORAGE_TEST_HOLD"

func TestMain(m *testing.M) {
	held := os.Getenv(holdEnv)
	if held == "" {
		os.Exit(m.Run())
	}
	s, err := storage.Open(storage.Options{Dir: held})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	io.Copy(io.Discard, os.Stdin)
	if err := s.Close(); err != nil {
		os.Exit(1)
	}
}

// held has another process open dir until release is called, which waits for it.
func held(t *testing.T, dir string) (release func()) {
	t.Helper()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), holdEnv+"="+dir)
	in, err := other.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "open\n" {
		t.Fatalf("other process: %q, %v", line, err)
	}
	return func() {
		in.Close()
		if err := other.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADirectoryInUseIsRefused(t *testing.T) {
	refused := func(t *testing.T, o storage.Options) {
		t.Helper()
		s, err := storage.Open(o)
		if !errors.Is(err, storage.ErrLocked) {
			t.Fatalf("opened twice: %v, %v", s, err)
		}
		if !strings.Contains(err.Error(), "another dht serve runs on this directory") || !strings.Contains(err.Error(), o.Dir) {
			t.Errorf("error does not say what to do: %v", err)
		}
	}
	t.Run("in memory", func(t *testing.T) {
		fs := vfs.NewMem()
		open(t, fs)
		refused(t, options(fs))
	})
	t.Run("by this process", func(t *testing.T) {
		o := options(vfs.Default)
		o.Dir = t.TempDir()
		s, err := storage.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, o)
		closeStore(t, s)
		if s, err = storage.Open(o); err != nil {
			t.Fatalf("after the first was closed: %v", err)
		}
		closeStore(t, s)
	})
	t.Run("by another process", func(t *testing.T) {
		o := options(vfs.Default)
		o.Dir = filepath.Join(t.TempDir(), "deep", "down")
		release := held(t, o.Dir)
		refused(t, o)
		release()
		s, err := storage.Open(o)
		if err != nil {
			t.Fatalf("after the other ended: %v", err)
		}
		closeStore(t, s)
	})
}

func TestWhatCannotBeOpened(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below")} {
		_, err := storage.Open(storage.Options{Dir: dir})
		if !errors.Is(err, storage.ErrNotDirectory) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want %v", dir, err, storage.ErrNotDirectory)
		}
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != "mine" {
		t.Errorf("the file holds %q, %v", content, err)
	}
	refused := func(name string, fs vfs.FS, want error) {
		t.Helper()
		if s, err := storage.Open(options(fs)); !errors.Is(err, want) {
			t.Errorf("%s: %v, %v, want %v", name, s, err, want)
		}
	}

	layout := vfs.NewMem()
	closeStore(t, openOnly(t, layout))
	raw(t, layout, func(db *pebble.DB) {
		newer := binary.BigEndian.AppendUint64(nil, 2)
		if err := db.Set([]byte{0, 0, 0, 0, 0, 0, 0, 0, 1}, newer, pebble.Sync); err != nil {
			t.Fatal(err)
		}
	})
	refused("newer layout", layout, storage.ErrNewerFormat)

	files := vfs.NewMem()
	closeStore(t, openOnly(t, files))
	marker, _, err := atomicfs.LocateMarker(files, dir, "format-version")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(marker.Move("999"), marker.Close()); err != nil {
		t.Fatal(err)
	}
	refused("newer files", files, storage.ErrNewerFormat)

	foreign := vfs.NewMem()
	raw(t, foreign, func(db *pebble.DB) {
		if err := db.Set([]byte("somebody's"), []byte("data"), pebble.Sync); err != nil {
			t.Fatal(err)
		}
	})
	refused("somebody else's database", foreign, storage.ErrNotStore)
}

func TestAnEmptyDatabaseIsTakenOver(t *testing.T) {
	fs := vfs.NewMem()
	raw(t, fs, func(*pebble.DB) {}) // as a crash within the first Open leaves it
	s := open(t, fs)
	create(t, s, 1, 0)
}
