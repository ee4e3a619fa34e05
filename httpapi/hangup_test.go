package httpapi_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

// stuckTable answers nothing before it is released, or the request ends.
type stuckTable struct {
	*fakeTable
	asked    chan struct{}
	ended    chan struct{} // gets one for each request that was not answered
	released chan struct{}
}

func (s stuckTable) wait(ctx context.Context) error {
	s.asked <- struct{}{}
	select {
	case <-s.released:
		return nil
	case <-ctx.Done():
		s.ended <- struct{}{}
		return ctx.Err()
	}
}

func (s stuckTable) Get(ctx context.Context, key []byte) (partition.Result, error) {
	if err := s.wait(ctx); err != nil {
		return partition.Result{}, err
	}
	return s.fakeTable.Get(ctx, key)
}

func (s stuckTable) Write(ctx context.Context, op partition.Op) (partition.Outcome, partition.Info, error) {
	if err := s.wait(ctx); err != nil {
		return partition.Outcome{}, partition.Info{}, err
	}
	return s.fakeTable.Write(ctx, op)
}

// hangsUp ends the connection, and the test unless the request that was under way
// ends, too.
func (s stuckTable) hangsUp(t *testing.T, client net.Conn) {
	t.Helper()
	client.Close()
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the request goes on")
	}
}

func startStuck(t *testing.T) (*fixture, stuckTable) {
	t.Helper()
	table := stuckTable{newFakeTable(), make(chan struct{}), make(chan struct{}), make(chan struct{})}
	f := &fixture{table: table.fakeTable, cluster: newFakeCluster()}
	f.server = httpapi.New(httpapi.Config{Name: "peer3", Table: table, Cluster: f.cluster})
	f.serve(t)
	return f, table
}

func TestARequestEndsWhenItsClientHangsUp(t *testing.T) {
	f, table := startStuck(t)
	const head = " /db/k HTTP/1.1\r\nHost: x\r\n"
	for _, c := range []struct {
		name, sends string
		reset       bool
	}{
		{"after a GET", "GET" + head + "\r\n", false},
		{"after a PUT", "PUT" + head + "Content-Length: 1\r\n\r\nv", false},
		{"after a large PUT", "PUT" + head + "Content-Length: 1000000\r\n\r\n" + strings.Repeat("v", 1000000), false},
		{"after a PUT of unknown length", "PUT" + head + "Transfer-Encoding: chunked\r\n\r\n1\r\nv\r\n0\r\n\r\n", false},
		{"without a farewell", "GET" + head + "\r\n", true},
		{"after other requests", strings.Repeat("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 3) + "GET" + head + "\r\n", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			client := f.dial(t)
			if _, err := io.WriteString(client, c.sends); err != nil {
				t.Fatal(err)
			}
			<-table.asked
			if c.reset {
				client.Conn.(*net.TCPConn).SetLinger(0)
			}
			table.hangsUp(t, client)
		})
	}
}

// A client that waits in silence is not taken for one that has gone, nor is one that
// has sent its next request already.
func TestARequestGoesOnWhileItsClientWaits(t *testing.T) {
	f, table := startStuck(t)
	f.table.set("k", "v", 5)
	silent, eager, leaver := f.dial(t), f.dial(t), f.dial(t)
	for _, d := range []*dialed{silent, eager, leaver} {
		d.send("/db/k")
		<-table.asked
	}
	eager.send("/db/k")
	table.hangsUp(t, leaver) // the others were looked after as well
	close(table.released)
	for i, d := range []*dialed{silent, eager} {
		if got := d.receive(); got != 200 {
			t.Errorf("answer %d: got %d, want 200", i, got)
		}
	}
	<-table.asked
	if got := eager.receive(); got != 200 {
		t.Errorf("the request that was sent ahead: got %d, want 200", got)
	}
}
