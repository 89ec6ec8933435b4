# Two commands: `make demo` and `make test`. They need Python 3.11 or later and nothing else (tests: a Chromium).
PYTHON ?= python3
VENV := .venv/bin
N ?= 1
# Set-up and demo are two programs with one clock for the person before them.
export MAINSTAY_BEGAN := $(shell date +%s)
# Compiled modules are kept, whatever the shell says: without them each process takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test setup lint format scenarios bench deploy-check doctor clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r name what; do printf '%-18s %s\n' "$$name" "$$what"; done

demo: setup ## run the whole system with a living demo workload until Ctrl-C
	@exec $(VENV)/python -m reliability.embedded demo

test: ## run every check and every test
	@$(MAKE) --no-print-directory setup SETUP_OPTIONS=--chromium
	@$(MAKE) --no-print-directory lint
	@$(VENV)/python -m tests everything

setup: ## install what uv.lock and package-lock.json name; a second time does nothing
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Mainstay needs Python 3.11 or later as $(PYTHON); name another one with: make PYTHON=python3.12 demo"; exit 1; }
	@$(PYTHON) -m reliability.embedded.bootstrap $(SETUP_OPTIONS)

lint: setup ## formatting, lint, types, import contracts
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(VENV)/lint-imports

format: setup ## format the code
	$(VENV)/ruff format .
	$(VENV)/ruff check --fix .

scenarios: ## kills, races, bad input and outages, N times each (N=10)
	@$(MAKE) --no-print-directory setup SETUP_OPTIONS=--chromium
	@MAINSTAY_SCENARIO_TIMES=$(N) $(VENV)/python -m tests scenarios

bench: setup ## measure relay, ingest, pages, memory and idle load
	$(VENV)/pytest tests/benchmarks -m benchmark -s -p no:randomly

deploy-check: setup ## check deploy/ with helm, promtool and nginx too, which must be on the path
	MAINSTAY_DEPLOY_CHECK=1 $(VENV)/pytest tests/unit/deploy tests/integration/deploy

doctor: setup ## say which servers would be used, and how a running demo is
	@$(VENV)/python -m reliability.embedded doctor
	@[ ! -f .mainstay/state.json ] || $(VENV)/python manage.py doctor

clean: ## remove everything set-up and runs have made
	@[ ! -x $(VENV)/python ] || $(VENV)/python -m reliability.embedded clean || [ $$? -ne 3 ]
	rm -rf .mainstay .venv node_modules static/vendor .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
