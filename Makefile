# One entry point for people and for CI. `make` alone lists the targets.

PYTHON_FILES := src tests $(wildcard bench)
VENV := .venv
JAVASCRIPT := build/javascript
PEER := build/peer
FUZZER := build/fuzzer
BIN := $(VENV)/bin

# What is written after `make run`, for example: make run ARGS="--for 20s"
ARGS ?=

# Each file runs in one process, and there is one process more than cores, for many tests wait; for a debugger:
# make test SPREAD=
SPREAD ?= -n $$(( $$(getconf _NPROCESSORS_ONLN) + 1 )) --dist loadfile --no-loadscope-reorder

# What Python has compiled is kept: without, each of the hundreds of processes that tests start
# compiles half of Headgate anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup install run nodes test test-guides test-postgresql test-all check check-format check-lint check-types check-contracts check-house format compile test-compiled torture torture-reloads torture-peer fuzz bench bench-gate bench-peers soak lock losses clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)$$/\1|\2/p' Makefile | awk -F'|' '{ printf "  make %-16s %s\n", $$1, $$2 }'

setup: $(VENV)/.installed  ## make .venv from the locks, with .venv/bin/headgate in it

# The environment is made anew, whole, when its lock changes, or completed when it has what `make run` needs;
# only the project itself is installed anew when pyproject.toml changes.
$(VENV)/.locked: requirements/dev.txt scripts/setup
	@scripts/setup environment

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@scripts/setup project

$(VENV)/.runnable: requirements/run.txt scripts/setup pyproject.toml
	@scripts/setup run

install: $(VENV)/.runnable  ## make .venv with headgate and what `make run` needs, without the tools for tests

run: $(VENV)/.runnable  ## set up what it needs, then show the gateway at work: make run ARGS="--for 20s"
	@$(BIN)/headgate demo $(ARGS)

test: setup  ## the quick tier of the tests; those of the house rules are in check, those of guides in test-guides
	@$(BIN)/python -m pytest -q -m "not slow" --ignore=tests/architecture --ignore=tests/guides $(SPREAD) $(ARGS)

test-guides: setup  ## run the guides of docs/guides as their readers would
	@$(BIN)/python -m pytest -q $(SPREAD) tests/guides $(ARGS)

test-postgresql: setup  ## the tests of the store and of nodes, on a private PostgreSQL
	@HEADGATE_TEST_STORE=postgresql $(BIN)/python -m pytest -q -m "not slow" $(SPREAD) tests/ledger tests/budgets tests/insights tests/node tests/torture $(ARGS)

nodes: $(VENV)/.runnable  ## show two nodes on one PostgreSQL store, until Ctrl-C: make nodes ARGS=SECONDS
	@scripts/nodes $(ARGS)

test-all: setup $(JAVASCRIPT)/node_modules/.package-lock.json  ## every test, the long ones too, and properties on ten times the examples
	@$(BIN)/python -m pytest -q --hypothesis-profile=thorough $(SPREAD) $(ARGS)

# The clients of JavaScript that test-all calls with, exactly as their lock says; no script of theirs is run.
$(JAVASCRIPT)/node_modules/.package-lock.json: tests/clients/js/package-lock.json
	@mkdir -p $(JAVASCRIPT) && cp tests/clients/js/package*.json tests/clients/js/.npmrc $(JAVASCRIPT)
	@{ command -v npm >/dev/null && cd $(JAVASCRIPT) && npm ci --ignore-scripts --loglevel=error; } \
		|| echo "not run: the clients of JavaScript, which need node, npm and its registry"

check: setup  ## format, lint, types, contracts and house rules; all of them report
	@$(MAKE) --no-print-directory --keep-going check-format check-lint check-types check-contracts check-house

check-format: setup
	@$(BIN)/ruff format --check $(PYTHON_FILES)

check-lint: setup
	@$(BIN)/ruff check $(PYTHON_FILES)

check-types: setup
	@$(BIN)/mypy

check-contracts: setup
	@PYTHONPATH=src $(BIN)/lint-imports

check-house: setup
	@$(BIN)/python -m pytest -q tests/architecture

format: setup  ## put the code in its form and mend what ruff can mend
	@$(BIN)/ruff check --fix --exit-zero $(PYTHON_FILES)
	@$(BIN)/ruff format $(PYTHON_FILES)

compile: setup  ## compile the data plane into build/compiled, as a built wheel has it
	@scripts/compile

# Those that have our own code fail in the middle replace a part of it, which compiled code has read-only.
test-compiled: setup  ## the data plane's tests, against the compiled one
	@scripts/compile --quick
	@$(BIN)/python -m pytest -q -m "not slow" $(SPREAD) -o pythonpath="build/compiled ." --ignore tests/gateway/test_stopped_calls.py --ignore tests/gateway/test_swept_bugs.py tests/gateway tests/dialects tests/providers tests/ledger tests/clients tests/economics $(ARGS)

torture: setup  ## kill, stop, starve and deceive it for hours, and write docs/torture.md: make torture ARGS="--minutes 120"
	@PYTHONPATH=src:. $(BIN)/python -m tests.torture.run $(ARGS)

torture-reloads: setup  ## reload 1,000 times and restart workers under 200 streams: make torture-reloads ARGS="--reloads 50"
	@PYTHONPATH=src:. $(BIN)/python -m tests.torture.reloads $(ARGS)

# The peer lives in an environment of its own, exactly as its lock says; nothing of ours imports it.
$(PEER)/.installed: requirements/peer.txt
	@echo "torture-peer: $(PEER) from requirements/peer.txt (about a minute)"
	@$(BIN)/python -m venv --clear $(PEER)
	@$(PEER)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement $<
	@touch $@

torture-peer: setup $(PEER)/.installed  ## put a peer through the same scripts as Headgate, and write it into docs/torture.md
	@PYTHONPATH=src:. $(BIN)/python -m tests.torture.peers.run $(ARGS)

# What guides the bytes lies in a folder of its own; it has wheels for Linux and a few versions of Python only.
$(FUZZER)/.installed: requirements/fuzz.txt
	@echo "fuzz: $(FUZZER) from requirements/fuzz.txt"
	@rm -rf $(FUZZER)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --target $(FUZZER) --requirement $<
	@touch $@

fuzz: setup $(FUZZER)/.installed  ## bodies and streams under guided bytes, for a bounded time: make fuzz ARGS="--seconds 60"
	@PYTHONPATH=src:.:$(FUZZER) $(BIN)/python -m tests.fuzz.run $(ARGS)

bench: setup  ## measure the gateway against a plain proxy
	@$(BIN)/python -m bench.run $(ARGS)

bench-gate: setup  ## the same, and exit 1 when a ratio is above its bar; no part of CI, for its machines are noisy
	@$(BIN)/python -m bench.run --gate $(ARGS)

bench-peers: setup  ## other gateways beside nginx and Headgate in one run: make bench-peers ARGS="--rounds 2"
	@$(BIN)/python -m bench.peers $(ARGS)

soak: setup  ## a steady load for half an hour, and whether memory grows under it: make soak ARGS="--minutes 10"
	@$(BIN)/python -m bench.soak $(ARGS)

lock:  ## re-make requirements/*.txt from pyproject.toml; UPGRADE=1 moves every version
	@scripts/lock

losses: setup  ## write docs/reference/losses.md anew, from what translation does
	@$(BIN)/python -m tests.dialects.translation.losses_page

clean:  ## remove the environment and every cache
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build bench/build
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
