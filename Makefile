# make            builds bin/dht
# make run        starts a local cluster of three and prints the curl lines to try
# make test       everything that must pass, with its own set-up
# make lint       gofmt, vet, staticcheck, tidy check

GO ?= go

.PHONY: build run test race lint bench chaos
build:
	$(GO) build -o bin/dht ./cmd/dht

lint:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "gofmt: run 'gofmt -w .' on the files above"; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
