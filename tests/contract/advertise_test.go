package contract_test

import (
	"fmt"
	"testing"

	"pipelinedht/tests/chaos/network"
	"pipelinedht/tests/harness"
)

// TestNodesMeetAtTheAddressTheyAdvertise has nodes behind forwarded ports.
func TestNodesMeetAtTheAddressTheyAdvertise(t *testing.T) {
	t.Parallel()
	wires := network.NewProxies()
	t.Cleanup(wires.Close)
	var nodes []*harness.Node
	advertised := make(map[string]string)
	for _, name := range []string{"peer1", "peer2"} {
		address := fmt.Sprintf("127.0.0.1:%d", harness.FreePort(t))
		forward := wires.Open(name, address)
		n := harness.StartSpec(t, harness.Spec{Name: name, Advertise: address})
		if err := forward.Serve(n.Address()); err != nil {
			t.Fatal(err)
		}
		advertised[name] = address
		nodes = append(nodes, n)
	}
	if err := nodes[1].Join(nodes[0].Contact()); err != nil {
		t.Fatal(err)
	}
	pairs := harness.Numbered("key", 50)
	harness.Load(t, pairs, nodes...)
	harness.Verify(t, pairs, nodes...)
	for _, p := range harness.AwaitSettled(t, nodes).Peers {
		if p.Address != advertised[p.Name] {
			t.Errorf("%s in the map: got the address %s, want %s", p.Name, p.Address, advertised[p.Name])
		}
	}
}
