# `make` prints what there is. Every target sets up what it needs, or says how to get it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

RUST_LEAST := 1.95
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 7200
SOAK_SEED ?= 1
# The tests drive the whole state against every invariant after each block.
VERIFY := --features ballast-engine/verify

# Tests on real candles run where the data is; without it they say that they were skipped.
ifneq ($(wildcard ../shared/data),)
export BALLAST_DATA ?= $(abspath ../shared/data)
endif

.PHONY: help demo replay test lint contracts deny bench fuzz soak docs toolchain

help: ## Print this
	@echo "Ballast: a clearing house for DeFi that spans chains. Needs Rust $(RUST_LEAST); see README.md."
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: toolchain contracts/node_modules/.package-lock.json ## The house on local chains through 19 May 2021, live in the terminal; writes out/demo.html
	@mkdir -p out
	cargo build --release -p ballast-cli
	target/release/ballast up --report out/demo.html

replay: toolchain ## Replay 19 May 2021 in this process and write out/replay.html; needs neither data nor Node.js
	@mkdir -p out
	cargo run --release -p ballast-cli -- replay --report out/replay.html

test: lint contracts ## Format, lints, contracts, all tests with every invariant checked after each block, doc tests, a short fuzz pass
	cargo test --workspace $(VERIFY) --no-fail-fast 2>&1 | .ci/summary

lint: toolchain ## Format and clippy, warnings are errors
	@cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
	cargo fmt --check
	cargo clippy --workspace --all-targets $(VERIFY) -- -D warnings

contracts: contracts/node_modules/.package-lock.json ## Contracts: packages, build, that the artifacts are theirs, their tests, gas
	cd contracts && npm run --silent check

# Tools and other people's contracts, as the lock file names them: anvil, forge, LayerZero, Safe, OpenZeppelin.
contracts/node_modules/.package-lock.json: contracts/package.json contracts/package-lock.json
	@command -v npm >/dev/null || { \
	  echo "npm is not here. The contracts and the tests on local chains need Node.js 20 or later: https://nodejs.org" >&2; exit 2; }
	cd contracts && npm ci --no-audit --no-fund
	@touch $@

deny: toolchain ## Licences, banned crates and sources of all dependencies
	@cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked
	cargo deny check licenses bans sources

bench: toolchain ## Measure the engine on one core of this machine, as docs/performance.md does
	cargo run --release -p ballast-cli -- bench
	cargo bench -p ballast-cli --bench engine

fuzz: toolchain ## Fuzz the codec and command sequences, FUZZ_SECONDS (60) each
	@cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked
	RUSTC_BOOTSTRAP=1 cargo fuzz run codec -- -max_total_time=$(FUZZ_SECONDS)
	RUSTC_BOOTSTRAP=1 cargo fuzz run commands -- -max_total_time=$(FUZZ_SECONDS)

soak: toolchain ## The search for profit for SOAK_SECONDS (7200) from SOAK_SEED (1), then the long random walks and deliveries
	@mkdir -p out
	cargo build --release -p ballast-cli
	target/release/ballast attack --seconds $(SOAK_SECONDS) --seed $(SOAK_SEED) --out out/finds
	BALLAST_STEPS=2000000 cargo test --release -p ballast-engine $(VERIFY) --test properties
	BALLAST_DELIVERIES=100000 cargo test --release -p ballast-engine $(VERIFY) --test deliveries

docs: toolchain ## Regenerate what is generated in docs/
	UPDATE_GOLDEN=1 cargo test -p ballast-cli --test docs

toolchain:
	@command -v cargo >/dev/null || { \
	  echo "cargo is not here. Ballast needs Rust $(RUST_LEAST) or later: https://rustup.rs" >&2; exit 2; }
	@have=$$(rustc --version | cut -d ' ' -f 2); \
	least=$$(printf '%s\n' "$(RUST_LEAST)" "$$have" | sort -V | head -n 1); \
	[ "$$least" = "$(RUST_LEAST)" ] || { \
	  echo "Rust $$have is too old. Ballast needs $(RUST_LEAST) or later: rustup update stable" >&2; exit 2; }
