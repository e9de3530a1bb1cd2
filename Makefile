# fingan: `make demo` shows it at work, `make test` tests it, `make help` lists the rest.
VENV ?= .venv
BIN := $(VENV)/bin
INTERPRETERS := python3.11 python3.12 python3.13 python3.14 python3
IS_RECENT := import sys; sys.exit(sys.version_info < (3, 11))
FIRST_RECENT = $(shell for name in $(INTERPRETERS); do \
	$$name -c '$(IS_RECENT)' 2>/dev/null && echo $$name && break; done)
PYTHON ?= $(FIRST_RECENT)

.DEFAULT_GOAL := help
.PHONY: help setup demo serve explorer test bench check fmt clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1: /p' $(MAKEFILE_LIST)

setup: $(VENV)/installed ## create the environment with everything installed

$(VENV)/locked: requirements.lock
	@"$(PYTHON)" -c '$(IS_RECENT)' 2>/dev/null || \
		{ echo "fingan needs Python 3.11 or later; name one: make setup PYTHON=/path/to/python3"; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r requirements.lock
	@touch $@

$(VENV)/installed: $(VENV)/locked pyproject.toml
	$(BIN)/python -m pip install --disable-pip-version-check --quiet \
		--no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## train on the bundled data, publish, draw scenarios (ARGS=--quick: in a minute)
	$(BIN)/fingan demo $(ARGS)

serve: setup ## serve the model store on http://127.0.0.1:8000 (ARGS="--store PLACE --port N")
	OMP_NUM_THREADS=1 exec $(BIN)/python -m serve $(ARGS)

explorer: ## build the page again, after a change in serve/explorer/src (needs Node 20)
	cd serve/explorer && npm ci --no-audit --no-fund && npm run build

test: setup ## the default test suite (ARGS are pytest's)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

bench: setup ## the benchmarks
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks $(ARGS)

check: setup ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: setup ## format and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
