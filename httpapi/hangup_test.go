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

// hangsUp closes the connection, and ends the test unless the request that was under
// way ends, too.
func (s stuckTable) hangsUp(t *testing.T, client net.Conn) {
	t.Helper()
	client.Close()
	select {
	case <-s.ended:
	case <-time.After(20 * time.Second):
		t.Fatal("the request goes on")
	}
}

func startStuck(t *testing.T, limits httpapi.Limits) (*fixture, stuckTable) {
	t.Helper()
	table := stuckTable{newFakeTable(), make(chan struct{}), make(chan struct{}), make(chan struct{})}
	f := &fixture{table: table.fakeTable, cluster: newFakeCluster()}
	f.server = httpapi.New(httpapi.Config{Name: "peer3", Table: table, Cluster: f.cluster, Limits: limits})
	f.serve(t)
	return f, table
}

// requestsOfAllKinds end in different ways for net/http.
func requestsOfAllKinds() map[string]string {
	const head = " /db/k HTTP/1.1\r\nHost: x\r\n"
	return map[string]string{
		"a GET":                    "GET" + head + "\r\n",
		"a PUT":                    "PUT" + head + "Content-Length: 1\r\n\r\nv",
		"a large PUT":              "PUT" + head + "Content-Length: 1000000\r\n\r\n" + strings.Repeat("v", 1000000),
		"a PUT of unknown length":  "PUT" + head + "Transfer-Encoding: chunked\r\n\r\n1\r\nv\r\n0\r\n\r\n",
		"a GET after other things": strings.Repeat("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", 3) + "GET" + head + "\r\n",
	}
}

func TestARequestEndsWhenItsClientHangsUp(t *testing.T) {
	f, table := startStuck(t, httpapi.Limits{Stall: 20 * time.Millisecond})
	for what, request := range requestsOfAllKinds() {
		t.Run("after "+what, func(t *testing.T) {
			client := f.dial(t)
			if _, err := io.WriteString(client, request); err != nil {
				t.Fatal(err)
			}
			<-table.asked
			table.hangsUp(t, client)
		})
	}
}

// A reset says at once that the client is gone, however patient the server is with
// those that may have.
func TestARequestEndsWhenItsConnectionIsReset(t *testing.T) {
	f, table := startStuck(t, httpapi.Limits{Stall: time.Hour})
	client := f.dial(t)
	client.send("/db/k")
	<-table.asked
	client.reset(t)
	table.hangsUp(t, client)
}

// reset has the connection end without a farewell when it is closed.
func (d *dialed) reset(t *testing.T) {
	t.Helper()
	if err := d.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
}

// A client that waits in silence is not taken for one that has gone, nor is one that
// has sent its next request already.
func TestARequestGoesOnWhileItsClientWaits(t *testing.T) {
	f, table := startStuck(t, httpapi.Limits{Stall: time.Hour})
	f.table.set("k", "v", 5)
	silent, eager, leaver := f.dial(t), f.dial(t), f.dial(t)
	for _, d := range []*dialed{silent, eager, leaver} {
		d.send("/db/k")
		<-table.asked
	}
	eager.send("/db/k")
	leaver.reset(t)
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

// A client may close its side when it has sent its last request, and gets its
// answer.
func TestAClientThatSendsNothingMoreGetsItsAnswer(t *testing.T) {
	f, table := startStuck(t, httpapi.Limits{Stall: time.Hour})
	waiting := make(map[string]*dialed)
	for what, request := range requestsOfAllKinds() {
		client := f.dial(t)
		waiting[what] = client
		if _, err := io.WriteString(client, request); err != nil {
			t.Fatal(err)
		}
		if err := client.Conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		<-table.asked
	}
	leaver := f.dial(t)
	leaver.send("/db/k")
	<-table.asked
	leaver.reset(t)
	table.hangsUp(t, leaver) // the others were looked after as well
	close(table.released)
	for what, client := range waiting {
		answers := 1
		if what == "a GET after other things" {
			answers = 4
		}
		for range answers {
			if got := client.receive(); got != 200 {
				t.Errorf("%s: got %d, want 200", what, got)
			}
		}
	}
}
