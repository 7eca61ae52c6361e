# One command each; all of them set up what they need.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
PEERS := .venv-peers/.installed

.DEFAULT_GOAL := help
.PHONY: help install debian lint format test test-slow demo peers bench faults mutants simulate lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## make .venv with everything in it (PYTHON=... chooses the interpreter)

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is absent or older than 3.11; remedy: make $(or $(MAKECMDGOALS),install) PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

debian: ## install the servers that some tests talk to (Debian, as root; never fails)
	@PATH=$$PATH:/usr/sbin; missing=; \
	for server in mosquitto victoria-metrics influxd:influxdb strace; do command -v $${server%:*} >/dev/null || missing="$$missing $${server#*:}"; done; \
	if [ "$$missing" ] && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing && missing=; \
	fi; \
	if [ "$$missing" ]; then echo "Not installed:$$missing; the tests that need it will skip. Remedy: apt-get install$$missing"; fi

lint: install ## ruff, mypy, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## let ruff mend and format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: install debian lint ## lint, and every test that takes seconds
	$(BIN)/pytest --numprocesses auto --dist worksteal --session-timeout=1200

test-slow: install debian ## the tests that take minutes: real time, real processes, kill -9
	$(BIN)/pytest -m slow --numprocesses auto --dist worksteal --timeout=1200 --session-timeout=3000

demo: install ## a simulated patient and its twin in this terminal, for 30 s
	$(BIN)/twin demo

peers: $(PEERS) ## make .venv-peers with the programs that ours is compared with

$(PEERS): tests/benchmarks/peers/requirements.txt | install
	$(BIN)/python -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --no-deps --require-hashes -r $<
	@touch $@

bench: install ## speed as ratios, each against its peer or limit in the same run
	@$(MAKE) --no-print-directory peers || echo "The peers could not be installed: what they are compared in is left out."
	$(BIN)/python -m tests.benchmarks.run

faults: install debian ## bring every fault about, and write FAULTS.md
	$(BIN)/python -m tests.faults.run --out FAULTS.md

mutants: install ## change the code in small ways, and print what no test notices (MODULES=... chooses)
	$(BIN)/python -m tests.mutants $(MODULES)

simulate: install ## live runs in a simulated world, an invariant after every step (SEEDS=0:1000)
	$(BIN)/python -m tests.simulation.run --seeds $(or $(SEEDS),0:1000)

lock: install ## resolve every dependency anew, and the peers
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --fork-strategy fewest --upgrade \
		--generate-hashes --no-annotate --custom-compile-command "make lock" --quiet --output-file requirements.lock
	cd tests/benchmarks/peers && ../../../$(BIN)/uv pip compile requirements.in --override overrides.txt --universal \
		--constraint ../../../requirements.lock --python-version 3.11 --fork-strategy fewest --generate-hashes \
		--no-annotate --custom-compile-command "make lock" --quiet --output-file requirements.txt

clean: ## remove .venv and all that the tools left behind
	rm -rf .venv .venv-peers .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
