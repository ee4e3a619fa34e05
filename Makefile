# make            builds bin/dht
# make run        starts a local cluster of three and prints the curl lines to try
# make test       everything that must pass, with its own set-up
# make race       everything again under the race detector
# make sim        long simulated histories of the copy protocol: SEED=… HISTORIES=…
# make chaos      kills, freezes and cuts under traffic, judged: SEED=… TIME=…
# make chaos-sim  the simulated half of it: SIM=… of simulated time at a light load
# make chaos-table   what all of them together did and found
# make bench      figures of real clusters on loopback, as ratios: ./tests/bench has flags
# make bench-peers   the part of it beside etcd and Redis, which it installs (Debian, as root)
# make lint       gofmt, vet, staticcheck, tidy check

GO ?= go

SEED ?= 0
HISTORIES ?= 100000
TIME ?= 10m
SIM ?= 24h

# Where make chaos notes what it did.
CHAOS_REPORT ?= $(CURDIR)/bin/chaos.jsonl

.PHONY: build run test race sim chaos chaos-sim chaos-table lint bench bench-peers
build:
	$(GO) build -o bin/dht ./cmd/dht

run: build
	@sh tests/local/cluster.sh bin/dht

# Fast ones first; then what has many goroutines, under the race detector; the
# protocol with each of its rules broken, one at a time; the built binary.
test:
	$(GO) test ./partition ./partition/storage ./partition/replica ./fsm ./httpapi/... ./cmd/... ./tests/layering
	$(GO) test -race -short ./transport ./partition/host
	$(GO) test -tags breakage -run BrokenRules ./partition/replica
	$(GO) test -count=1 -p 1 -timeout 8m ./tests/...

race:
	$(GO) test -race -timeout 40m ./...

sim:
	$(GO) test -run EveryHistory -timeout 0 -v ./partition/replica -seed $(SEED) -histories $(HISTORIES)

chaos: chaos-sim
	@mkdir -p $(dir $(CHAOS_REPORT))
	$(GO) test -count=1 -run TestChaos -timeout 0 -v ./tests/chaos -seed $(SEED) -chaos.time $(TIME) -chaos.report $(CHAOS_REPORT)

# Six clients with about one request in two seconds each, and all faults.
chaos-sim:
	$(GO) test -count=1 -run AtRandom -timeout 0 -v ./cmd/internal/node -seed $(SEED) -sim $(SIM) -pause 4s

chaos-table:
	@$(GO) run ./tests/chaos/table $(CHAOS_REPORT)

bench:
	$(GO) run ./tests/bench

bench-peers:
	sh tests/bench/install-peers.sh
	$(GO) run ./tests/bench -only peers

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt: run 'gofmt -w .' on the files above"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
