package transport_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pipelinedht/partition"
	"pipelinedht/transport"
)

// TestTheNextConnectionWaitsForTheOldOne holds a message back in the handler
// while its connection breaks, with another message read behind it: nothing sent
// on the next connection may overtake the two.
func TestTheNextConnectionWaitsForTheOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		goOn := make(chan struct{})
		came := make(chan string, 10)
		one := startPiped(t, network, b, 1, 1, &handler{
			message: func(_ partition.NodeID, _ partition.Incarnation, _ transport.Lane, body []byte) {
				came <- string(body)
				if string(body) == "first" {
					<-goOn
				}
			},
			lost: func(partition.NodeID) { came <- "lost" },
		})
		two := startPiped(t, network, b, 2, 1, &handler{})
		sendUntilTaken(t, two, one.id.Node, transport.Small, []byte("first"), []byte("second"))
		synctest.Wait()
		network.each(func(c *pipeConn) { c.Close() })
		synctest.Wait()
		if !two.Send(one.id.Node, transport.Small, []byte("third")) {
			t.Fatal("no connection was dialled for the third message")
		}
		time.Sleep(time.Second)
		if len(came) != 1 {
			t.Errorf("%d messages came while the first was being handled", len(came))
		}
		close(goOn)
		synctest.Wait()
		for _, want := range []string{"first", "second", "lost", "third"} {
			if got := <-came; got != want {
				t.Fatalf("%q came, want %q", got, want)
			}
		}
	})
}

func TestAConnectionDialledEarlierDoesNotDisplaceALaterOne(t *testing.T) {
	answering := startNode(t, newBook(), 1, &handler{}, nil)
	later, in, resp := rawDial(t, answering.id.Address, upgrade("DHT-Serial: 1", "DHT-Serial: 5"))
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the later one: %s", resp.Status)
	}
	_, _, resp = rawDial(t, answering.id.Address, upgrade("DHT-Serial: 1", "DHT-Serial: 4"))
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusConflict || !strings.Contains(string(text), "later connection") {
		t.Errorf("the earlier one: %s %q, want 409", resp.Status, text)
	}
	io.WriteString(later, rawFrame(2, 1, "still here"))
	want := rawFrame(3, 1, "still here")
	got := make([]byte, len(want))
	if _, err := io.ReadFull(in, got); err != nil || string(got) != want {
		t.Errorf("the later one answers %q, error %v", got, err)
	}
	_, _, resp = rawDial(t, answering.id.Address, upgrade("DHT-Serial: 1", "DHT-Serial: 6"))
	if resp.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("one still later: %s", resp.Status)
	}
	if rest, err := io.ReadAll(in); err != nil {
		t.Errorf("the one in between is still open, with %q to read: %v", rest, err)
	}
}

// TestLargeFramesThatStallAreCutOff begins as many large frames as there is memory
// for. When those have been cut off, because they stall, another one comes in.
func TestLargeFramesThatStallAreCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		network, b := newPipeNet(), newBook()
		h, ch := collect(1000)
		l := network.listen("one:1")
		const size = 16 << 20
		one := serveNode(t, b, l, 1, h, func(c *transport.Config) { c.FrameBytes = 4 * size })
		text := rawFrame(1, 0, strings.Repeat("x", size))
		began := time.Now()
		cutOff := make(chan time.Duration, 4)
		for i := range 4 {
			c, err := network.dial(t.Context(), "one:1")
			if err != nil {
				t.Fatal(err)
			}
			head := upgrade("DHT-Kind: small", "DHT-Kind: bulk", "DHT-Node: 0000000000000002", fmt.Sprintf("DHT-Node: %016x", 10+i))
			go io.Copy(io.Discard, c)
			go func() {
				defer c.Close()
				io.WriteString(c, head)
				time.Sleep(time.Second)
				io.WriteString(c, text[:1000])
				for j := 1000; j < len(text); j++ { // a byte a second
					time.Sleep(time.Second)
					if _, err := io.WriteString(c, text[j:j+1]); err != nil {
						break
					}
				}
				cutOff <- time.Since(began)
			}()
		}
		time.Sleep(2 * time.Second)
		two := serveNode(t, b, network.listen("two:1"), 2, &handler{}, func(c *transport.Config) { c.Dial = network.dial })
		const longest = 260 * time.Second // 3 s and one for each 64 KiB, after a second
		for len(ch) == 0 {
			sendUntilTaken(t, two, one.id.Node, transport.Bulk, make([]byte, 1<<20))
			time.Sleep(time.Second)
		}
		if took := time.Since(began); took < longest || took > longest+time.Minute {
			t.Errorf("the fifth frame came after %v, want about %v", took, longest)
		}
		for range 4 {
			if took := <-cutOff; took < longest || took > longest+2*time.Second {
				t.Errorf("a stalling frame was cut off after %v, want %v", took, longest)
			}
		}
	})
}
