package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"pipelinedht/partition"
)

// protocolVersion is raised with every change that makes nodes of before and
// after unable to share a cluster.
const protocolVersion = 1

// visitTimeout bounds a question and its answer, from the connection on. It is
// longer than addTimeout, so that a member that tried in vain can say so.
const visitTimeout = addTimeout + 2*time.Second

// A visit is a single question, as JSON, that a node asks another one, of any
// cluster, and its answer.

// question is what a visitor asks.
type question struct {
	Ask ask `json:"ask"`
	// Cluster that the question is about; an answer from another one says moved.
	// 0 with askWho.
	Cluster partition.ClusterID `json:"cluster,omitempty"`
	JoinID  uint64              `json:"join_id,omitempty"`
	Peer    *partition.Peer     `json:"peer,omitempty"`  // askAdd
	Stamp   partition.Stamp     `json:"stamp,omitempty"` // askAdd
}

type ask string

const (
	askWho   ask = "who"   // who are you, and what is your cluster?
	askAdd   ask = "add"   // add Peer to the cluster, once per JoinID
	askAbort ask = "abort" // never add a peer under JoinID from now on
)

// answer to a question. One that never comes is as good as resultUnknown.
type answer struct {
	Result result `json:"result"`
	Text   string `json:"text,omitempty"` // for the user, where Result is not resultDone
	Who    *who   `json:"who,omitempty"`  // askWho
}

type result string

const (
	resultDone      result = "done"
	resultAdded     result = "added"     // askAbort: too late, the peer is in
	resultAborted   result = "aborted"   // askAdd: too late, the join id is barred
	resultRefused   result = "refused"   // for good, until somebody changes something
	resultDeparting result = "departing" // the cluster is about to join another one: later perhaps
	resultMoved     result = "moved"     // this node is not of that cluster (any more)
	resultUnknown   result = "unknown"   // it may or may not come to pass; ask again
)

// who is what a node says of itself and its cluster. It may be older than what
// others know.
type who struct {
	Protocol int                 `json:"protocol"`
	Node     partition.NodeID    `json:"node"`
	Name     string              `json:"name"`
	Cluster  partition.ClusterID `json:"cluster"`
	Settings partition.Settings  `json:"settings"`
	Version  partition.Version   `json:"version"` // of the map that its copies go by
	Settled  bool                `json:"settled"` // that map, as far as it can be
	// Departing: the cluster's last node is about to join another one, and cannot be
	// joined meanwhile.
	Departing bool `json:"departing,omitempty"`
	// Toward is the address of the node that this one is about to join, if any.
	Toward string           `json:"toward,omitempty"`
	Peers  []partition.Peer `json:"peers"`
	// Recovered are clusters that were given up for dead with the node's data.
	Recovered []partition.ClusterID `json:"recovered,omitempty"`
	// Stamp is the present time by the node's clock, and above its cluster's
	// latest AddPeer.
	Stamp partition.Stamp `json:"stamp"`
}

// visit asks the node at address a question through l's connections.
func (l *life) visit(ctx context.Context, address string, q question) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, visitTimeout)
	defer cancel()
	body, err := json.Marshal(q)
	if err != nil {
		return answer{}, fmt.Errorf("ask %s: %w", address, err)
	}
	_, reply, err := l.net.Visit(ctx, address, body)
	if err != nil {
		return answer{}, fmt.Errorf("ask %s: %w", address, err)
	}
	var a answer
	if err := json.Unmarshal(reply, &a); err != nil {
		return answer{}, fmt.Errorf("answer of %s: %w", address, err)
	}
	return a, nil
}

// errNoAnswer is returned by whois for a node that answers something else.
var errNoAnswer = errors.New("it does not say who it is")

// whois asks the node at address who it is.
func (l *life) whois(ctx context.Context, address string) (*who, error) {
	a, err := l.visit(ctx, address, question{Ask: askWho})
	if err != nil {
		return nil, err
	}
	if a.Result != resultDone || a.Who == nil {
		return nil, fmt.Errorf("%s: %w: %s", address, errNoAnswer, a.Text)
	}
	return a.Who, nil
}
