package httpapi_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pipelinedht/httpapi"
	"pipelinedht/partition"
)

func TestPeersAreListedOneALine(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.ask(t, "GET", "/dht/peers", "").expect(t, 200, "peer3\r\npeer1\r\npeer2\r\n")
	a := f.ask(t, "GET", "/dht/peers", "", "Accept: application/json")
	a.expect(t, 200, `["peer3","peer1","peer2"]`+"\n")
	a.expectHeader(t, "Content-Type", "application/json")
}

func TestJoinHandsTheListOnAndReports(t *testing.T) {
	for _, method := range []string{"POST", "PUT"} {
		f := start(t, httpapi.Limits{})
		f.cluster.report = httpapi.JoinReport{Imported: 12, Lost: 3, Waiting: 5}
		a := f.ask(t, method, "/dht/join", "peer1:a:1\r\npeer2:b:2")
		a.expect(t, 200, "")
		a.expectHeader(t, "DHT-Imported", "12")
		a.expectHeader(t, "DHT-Import-Lost", "3")
		a.expectHeader(t, "DHT-Partitions-Waiting", "5")
		a.expectHeader(t, "DHT-Already-Member", "")
		want := []httpapi.Contact{{Name: "peer1", Address: "a:1"}, {Name: "peer2", Address: "b:2"}}
		if !slices.Equal(f.cluster.contacts, want) {
			t.Errorf("%s: joined %v, want %v", method, f.cluster.contacts, want)
		}
	}
}

func TestJoinOfAPeerSaysSo(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.cluster.report.AlreadyMember = true
	a := f.ask(t, "POST", "/dht/join", "peer1:a:1")
	a.expect(t, 200, "")
	a.expectHeader(t, "DHT-Already-Member", "true")
}

func TestChangesOfTheClusterThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		name   string
		err    error
		status int
		words  string
	}{
		{"a name that is taken", fmt.Errorf("%w: the name peer3 is taken: give this node another", httpapi.ErrConflict), 409, "conflict: the name peer3 is taken"},
		{"a list that leads nowhere", fmt.Errorf("%w: this is the node itself", httpapi.ErrJoin), 400, "join refused: this is the node itself"},
		{"nobody there", fmt.Errorf("%w: no peer answers", partition.ErrUnavailable), 503, "no peer answers; try again"},
		{"nobody knows", partition.ErrUnknown, 504, "outcome unknown"},
		{"anything else", errors.New("the disk is on fire"), 500, "the disk is on fire"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, httpapi.Limits{})
			f.cluster.fail = c.err
			f.ask(t, "POST", "/dht/join", "peer1:a:1").expectLine(t, c.status, c.words)
			f.ask(t, "POST", "/dht/leave", "").expectLine(t, c.status, c.words)
		})
	}
}

func TestLeave(t *testing.T) {
	f := start(t, httpapi.Limits{})
	for i, method := range []string{"GET", "POST"} {
		f.ask(t, method, "/dht/leave", "").expect(t, 200, "")
		if f.cluster.left != i+1 {
			t.Errorf("%s: left %d times, want %d", method, f.cluster.left, i+1)
		}
	}
	a := f.ask(t, "HEAD", "/dht/leave", "")
	a.expect(t, 405, "")
	a.expectHeader(t, "Allow", "GET, POST")
	if f.cluster.left != 2 {
		t.Errorf("HEAD: left %d times, want none beyond the 2 before", f.cluster.left)
	}
}

func TestForget(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.cluster.forget = httpapi.ForgetReport{Lost: 3, Gone: true}
	a := f.ask(t, "POST", "/dht/forget", "peer2\r\n")
	a.expect(t, 200, "")
	a.expectHeader(t, "DHT-Partitions-Lost", "3")
	a.expectHeader(t, "DHT-Peer-Gone", "true")
	f.ask(t, "POST", "/dht/forget?lose-data=true", "peer2").expect(t, 200, "")
	f.ask(t, "POST", "/dht/forget?lose-data=false", "peer2").expect(t, 200, "")
	if want := []string{"peer2", "peer2 and its data", "peer2"}; !slices.Equal(f.cluster.forgot, want) {
		t.Errorf("forgot %q, want %q", f.cluster.forgot, want)
	}
	for _, query := range []string{"lose-data=perhaps", "lose-data", "lose-data=true&lose-data=true", "loose-data=true", "lose-data=%zz"} {
		f.ask(t, "POST", "/dht/forget?"+query, "peer2").expectLine(t, 400, "lose-data=true")
	}
	f.ask(t, "POST", "/dht/forget", "").expectLine(t, 400, "name of a peer")
	f.ask(t, "POST", "/dht/forget", "a\nb").expectLine(t, 400, "name of a peer")
	f.ask(t, "POST", "/dht/forget", strings.Repeat("p", 1000)).expectLine(t, 413, "at most")
	if len(f.cluster.forgot) != 3 {
		t.Errorf("forgot %q by bad requests", f.cluster.forgot[3:])
	}
	f.cluster.fail = fmt.Errorf("%w: no peer is named peer9", httpapi.ErrNoPeer)
	f.ask(t, "POST", "/dht/forget", "peer9").expectLine(t, 404, "no peer is named peer9")
}

func TestPagesOfOtherSitesChangeNothing(t *testing.T) {
	f := start(t, httpapi.Limits{})
	const cross = "Sec-Fetch-Site: cross-site"
	f.ask(t, "GET", "/dht/leave", "", cross).expectLine(t, 403, "another site")
	f.ask(t, "POST", "/dht/join", "p:a:1", cross).expectLine(t, 403, "another site")
	f.ask(t, "POST", "/db/k", "v", cross).expectLine(t, 403, "another site")
	f.ask(t, "POST", "/dht/forget", "peer2", cross).expectLine(t, 403, "another site")
	if f.cluster.left != 0 || f.cluster.forgot != nil || f.cluster.contacts != nil || len(f.table.records) != 0 {
		t.Error("a page of another site changed something")
	}
	f.ask(t, "POST", "/db/k", "v", "Sec-Fetch-Site: same-origin").expect(t, 200, "")
}

func TestRingIsPrintedWithItsVersionAsETag(t *testing.T) {
	f := start(t, httpapi.Limits{})
	a := f.ask(t, "GET", "/dht/ring", "")
	a.expectHeader(t, "ETag", `"7"`)
	a.expectHeader(t, "Content-Type", "application/json")
	var ring struct {
		Version int
		Peers   []struct{ ID, Name, Address, State string }
		Table   []struct {
			Primary string
			InSync  []string `json:"in_sync"`
		}
	}
	if err := json.Unmarshal([]byte(a.body), &ring); err != nil || a.status != 200 {
		t.Fatalf("got %d %q: %v", a.status, a.body, err)
	}
	if ring.Version != 7 || len(ring.Peers) != 3 || ring.Peers[0].State != "active" || len(ring.Table) != fakePartitions ||
		ring.Table[0].Primary != "0000000000000002" {
		t.Errorf("got %+v", ring)
	}
	for tag, status := range map[string]int{`"7"`: 304, `W/"7"`: 304, "*": 304, `"6"`: 200, `"6", "7"`: 304, "7": 400} {
		if a := f.ask(t, "GET", "/dht/ring", "", "If-None-Match: "+tag); a.status != status {
			t.Errorf("If-None-Match: %s: got %d, want %d", tag, a.status, status)
		}
	}
}

func TestRingTellsWhereOneKeyLives(t *testing.T) {
	f := start(t, httpapi.Limits{})
	a := f.ask(t, "GET", "/dht/ring?key=a%2Fb%2B", "")
	var place struct {
		Version, Partition int
		Primary            struct{ Name, Address string }
		InSync             []struct{ Name string } `json:"in_sync"`
		Target             []struct{ Name string }
	}
	if err := json.Unmarshal([]byte(a.body), &place); err != nil || a.status != 200 {
		t.Fatalf("got %d %q: %v", a.status, a.body, err)
	}
	if want := int(partition.Of([]byte("a/b+"), fakePartitions)); place.Partition != want || place.Version != 7 {
		t.Errorf("got partition %d at version %d, want %d at 7", place.Partition, place.Version, want)
	}
	if place.Primary.Name != "peer2" || place.Primary.Address != "peer2:9876" || place.InSync[0].Name != "peer1" || place.Target[0].Name != "peer2" {
		t.Errorf("got %+v", place)
	}
	f.ask(t, "GET", "/dht/ring?key=", "").expectLine(t, 400, "0 bytes")
	f.ask(t, "GET", "/dht/ring?key="+strings.Repeat("k", 4097), "").expectLine(t, 400, "4097 bytes")
	f.ask(t, "GET", "/dht/ring?key=%zz", "").expectLine(t, 400, "?key=K")
}

func TestNodeWithoutAMapSaysSo(t *testing.T) {
	f := start(t, httpapi.Limits{})
	f.cluster.ring = nil
	f.ask(t, "GET", "/dht/ring", "").expectLine(t, 503, "no map yet")
	a := f.ask(t, "PUT", "/db/k", "v", "If-Match: x")
	a.expectLine(t, 400, "If-Match")
	a.expectHeader(t, "DHT-Ring-Version", "")
	a.expectHeader(t, "DHT-Served-By", "peer3")
}
