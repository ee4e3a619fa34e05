package node

import (
	"testing"

	"pipelinedht/httpapi"
)

func TestConnectionsLeaveTheNodeFilesOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		name  string
		files uint64
		asked int
		want  int
		fewer bool
	}{
		{"an unknown number of files", 0, 4096, 4096, false},
		{"as many as one can want", 1 << 20, 4096, 4096, false},
		{"just enough", 4096 + ownFiles, 4096, 4096, false},
		{"a few too few", 4096, 4096, 4096 - ownFiles, true},
		{"hardly any", 256, 4096, 32, true},
		{"hardly any, but hardly any wanted", 256, 16, 16, false},
		{"next to none", 3, 4096, 1, true},
		{"the default", 4096, 0, 4096 - ownFiles, true},
	} {
		got, fewer := fitFiles(httpapi.Limits{Connections: c.asked}, c.files)
		if got.Connections != c.want || fewer != c.fewer {
			t.Errorf("%s: got %d connections, fewer %t; want %d, %t", c.name, got.Connections, fewer, c.want, c.fewer)
		}
	}
}
