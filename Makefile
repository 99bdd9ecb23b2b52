# The commands people type. Anything longer than a few lines is a script in tools/.
PYTHON ?= python3
BIN := .venv/bin
# Two workers are what the smallest build machine has; a test file stays on one of them, fast layers come first.
# What was compiled is kept, whatever the machine is set to: two workers and a hundred processes of the product load it.
PYTEST_FLAGS ?= -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help setup environment run test bench lint format lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 16

setup: environment ## all that running and testing need; quick when nothing changed
	@$(PYTHON) tools/setup.py --browser

run: environment ## a demo hub and one enrolled demo shop, with addresses and logins
	@$(BIN)/python -m tools.run_demo

test: setup lint ## every check and test, as CI runs them
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest $(PYTEST_FLAGS)

bench: environment ## benchmarks, as ratios within one run; LONG=1 for all of them
	@$(BIN)/python -m tests.bench $(if $(LONG),--long)

lint: environment ## style, types, and who imports whom
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: environment ## put the code into the house's form
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

lock: environment ## choose the newest allowed versions anew, with hashes and without registry names
	@$(BIN)/python tools/lock.py

clean: ## remove what setup, tests and builds made (not demo-data)
	rm -rf .venv node_modules shopnode/web/ui/static/dist build dist test-results \
	  .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find sync_protocol shopnode cloudhub tests tools -name __pycache__ -prune -exec rm -rf {} +

environment:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) tools/setup.py
