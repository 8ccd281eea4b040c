# Everything a person or CI does here. `make` alone lists it.

CARGO ?= cargo
# Tests need providers that fail on demand; no release can be built with them.
TEST_FEATURES := --features fixtures

.DEFAULT_GOAL := help
.PHONY: help run demo test lint deny bench image clean

help: ## list what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

run: ## serve with hub.pyfun and .env
	$(CARGO) run --release

demo: ## serve with a bundled vendor: no key, no network
	$(CARGO) run --release -- demo

test: lint ## every check: format, lints, unit tests, the running binary
	@.ci/tools
	$(CARGO) test --workspace $(TEST_FEATURES)

lint: ## format and clippy (installs what is missing of them)
	@$(CARGO) fmt --version >/dev/null 2>&1 && $(CARGO) clippy --version >/dev/null 2>&1 \
	  || rustup component add rustfmt clippy \
	  || { echo 'install the rustfmt and clippy components of your Rust toolchain'; exit 1; }
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets $(TEST_FEATURES) -- -D warnings

deny: ## licences, sources and banned packages (builds cargo-deny once, into target/tools)
	@PATH="$(CURDIR)/target/tools/bin:$$PATH" command -v cargo-deny >/dev/null \
	  || $(CARGO) install cargo-deny --locked --root target/tools
	PATH="$(CURDIR)/target/tools/bin:$$PATH" cargo-deny check licenses bans sources

bench: ## throughput, latency, CPU and memory, beside a direct call and nginx
	$(CARGO) bench --bench bench

image: ## the container image
	docker build -f Containerfile -t multi-llm-hub .

clean: ## remove what was built
	$(CARGO) clean
