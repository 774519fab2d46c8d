# What people do with this repository. Each target is one habit; `make` alone lists them.

CARGO ?= cargo
# Arguments for the program behind a target: make run ARGS="--listen 127.0.0.1:0", make bench ARGS="--help"
ARGS ?=
# Where cargo builds.
TARGET = $(abspath $(or $(CARGO_TARGET_DIR),target))

# What tests need, and the Debian package of each: the interpreters of scripts as steps, npm and a browser for the GUI.
TEST_PROGRAMS := python3:python3-minimal node:nodejs npm:npm bash:bash php:php-cli perl:perl-base ruby:ruby chromium:chromium ip:iproute2 nft:nftables

.PHONY: help run build test test-gui test-clients test-needs fmt check deny bench bench-files dist clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

run: ## Build the node and start it
	$(CARGO) run --release $(if $(ARGS),-- up $(ARGS))

build: ## Build the node for development
	$(CARGO) build --workspace --bin flowork --bin flowork-bootstrap

test-needs: ## Install what the tests run (apt when root), or name what is missing
	@missing=''; packages=''; \
	for pair in $(TEST_PROGRAMS); do \
	  command -v "$${pair%%:*}" >/dev/null 2>&1 || { missing="$$missing $${pair%%:*}"; packages="$$packages $${pair#*:}"; }; \
	done; \
	[ -n "$$missing" ] || exit 0; \
	echo "make test: missing:$$missing"; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	  echo "make test: installing$$packages"; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  apt-get install -y --no-install-recommends $$packages >/dev/null 2>&1 || \
	    { apt-get update && apt-get install -y --no-install-recommends $$packages; }; \
	else \
	  echo "make test: install them and run it again, for example: sudo apt-get install$$packages"; exit 1; \
	fi

test: test-needs build ## Run all tests
	$(CARGO) test --workspace $(ARGS)
	$(MAKE) --no-print-directory test-gui
	$(MAKE) --no-print-directory test-clients

test-gui: ## Types, lints and tests of the GUI, then what a person does, in a real browser against a real node
	cd gui && { [ -d node_modules ] || npm ci --no-audit --no-fund; } && npm run check
	cd gui && FLOWORK_BIN="$${FLOWORK_BIN:-$(TARGET)/debug/flowork}" npm run journeys

test-clients: ## Clients in js-libp2p and py-libp2p dial a node
	FLOWORK_BIN="$${FLOWORK_BIN:-$(TARGET)/debug/flowork}" tests/clients/run

fmt: ## Format the sources
	$(CARGO) fmt --all

check: ## Formatting, lints, licences: what must hold before a commit
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(MAKE) --no-print-directory deny

deny: ## Licences, bans, sources and known holes of what is linked in
	@.ci/deny

bench: ## Measure the node and the installed peers (release build). ARGS="--help" says more
	$(CARGO) build --release --workspace --bin flowork --bin flowork-bench
	"$${CARGO_TARGET_DIR:-target}/release/flowork-bench" $(ARGS)

bench-files: ## Measure files between nodes beside iroh's own transport (release builds)
	$(CARGO) build --release --locked --manifest-path tests/iroh-bench/Cargo.toml --target-dir "$(TARGET)/iroh-bench"
	$(MAKE) --no-print-directory bench ARGS='--only files --iroh "$(TARGET)/iroh-bench/release/iroh-bench" $(ARGS)'

dist: ## One archive: dist/flowork-<version>-linux-<arch>.tar.gz, with the node and the bootstrap host
	@tests/dist.sh

clean: ## Remove build outputs
	$(CARGO) clean
	rm -rf dist
