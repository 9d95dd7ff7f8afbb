# The commands that people type. `make` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-web lint format build bench bench-peers load faults schemas
.PHONY: clean bench-names backtest bench-betfair setup-demo bench-jobs bench-snapshot snapshot

CARGO ?= cargo
# cargo-nextest runs tests faster where it is installed; plain cargo does the same work.
TEST := $(if $(shell $(CARGO) nextest --version 2>/dev/null),nextest run,test)

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Install what the commands below need (redis-server, postgresql), asking first
	@ops/setup.sh

setup-demo:
	@ops/setup.sh demo

demo: setup-demo ## Stream a season of football odds through the whole line and show the bets
	@$(CARGO) run --quiet --release -p marabet -- demo $(ARGS)

test: setup ## Run every test, against real servers that the tests start themselves
	$(CARGO) $(TEST) --workspace
	$(CARGO) test --quiet --doc --workspace

test-web: ## Check the pages, the API, the metrics and ops/ from outside: a browser, Prometheus, a fuzzer
	@ops/setup.sh checks
	$(CARGO) test --quiet --workspace --test program --no-run
	@ops/checks/run.sh

lint: ## Check format and lints
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

format: ## Format the code
	$(CARGO) fmt --all

build: ## Build the pipeline binary for use: target/release/marabet
	$(CARGO) build --release -p marabet

backtest: ## Run the built-in strategies over the seasons, and report what they would have brought
	@$(CARGO) run --quiet --release -p marabet-backtest -- run $(ARGS)

bench: setup ## Run the benchmarks
	$(CARGO) bench -p marabet-benches

load: setup ## Drive the whole line at the highest rate, or RATE=5000; beside what Redis alone can do
	@$(CARGO) run --quiet --release -p marabet-benches --bin load

bench-web: setup ## Load the API at RATE=1000 requests/s beside its floor, and hold 5,000 idle watchers
	@$(CARGO) build --quiet --release -p marabet
	@benches/web/load.sh

bench-peers: ## Time the models beside penaltyblog, installed from PyPI, and print the ratios
	@benches/peers/run.sh

faults: setup ## Kill, cut and damage a running line, KILLS=60 times from SEED=1; nothing may be lost or doubled
	@$(CARGO) build --quiet --release -p marabet -p marabet-faults
	@target/release/marabet-faults

bench-names: ## Measure how well the names of providers are joined, on the data of MARABET_DATA
	@$(CARGO) run --quiet -p marabet-ingest --example names -- $(ARGS)

bench-betfair: ## Time the reading of exchange files beside betfair_data, installed from PyPI
	@benches/peers/betfair.sh $(ARGS)

bench-snapshot: setup ## Time a snapshot of 69 books' prices from its rows to facts in the log
	@$(CARGO) run --quiet --release -p marabet-benches --example snapshot_rate -- $(ARGS)

snapshot: build ## What could be bet at a real snapshot of MARABET_DATA, book by book, and how it ended
	@docs/examples/snapshot.sh

bench-jobs: setup ## Time short jobs beside Celery, and the ledger beside plain inserts
	@benches/peers/jobs.sh
	@$(CARGO) run --quiet --release -p marabet-benches --example ledger_rate

schemas: ## Write the JSON Schemas of the events into schemas/json
	$(CARGO) run --quiet -p marabet-schemas --example publish

clean: ## Remove what was built
	$(CARGO) clean
