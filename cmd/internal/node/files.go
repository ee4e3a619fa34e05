package node

import (
	"syscall"

	"pipelinedht/httpapi"
)

// ownFiles is how many open files a node needs besides clients' connections: the
// store's tables, logs and compactions, Raft's, and connections between nodes.
// Where these run out the store fails, and the node ends; a client too many only
// makes the idlest go.
const ownFiles = 1024

// mostFiles returns how many files this process may have open; 0: not known. The Go
// runtime has raised the soft limit to the hard one at the start.
func mostFiles() uint64 {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return uint64(limit.Cur)
}

// fitFiles returns l with as many connections as open files allow, at least one in
// eight of them; 0: any number.
func fitFiles(l httpapi.Limits, files uint64) (fitted httpapi.Limits, fewer bool) {
	l = l.WithDefaults()
	if files == 0 || files >= uint64(l.Connections)+ownFiles {
		return l, false
	}
	room := files / 8
	if files > ownFiles {
		room = max(room, files-ownFiles)
	}
	if room >= uint64(l.Connections) {
		return l, false
	}
	l.Connections = max(int(room), 1)
	return l, true
}
