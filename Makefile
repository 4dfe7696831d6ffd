# make run    start everything here: database, web, worker, demo clients; Ctrl-C stops it
# make test   all tests
# make cover  all tests, and which lines and branches of the rules none of them reached
# make check  style, types, import contracts, migrations, API document
# make mutants  small mistakes in rules and ledger, one at a time, and which of them their tests notice (half an hour)
# make bench  the measurements of bench/
# make lock   resolve requirements/*.in again (needs uv)
# Only Python 3.11 or newer is needed.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   ?= .venv
BIN     = $(VENV)/bin
PIP     = $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= 2
TESTS  ?= tests

.PHONY: run test cover mutants check bench lock venv venv-dev clean

run: $(VENV)/.run
	@exec $(BIN)/changedesk up

test: $(VENV)/.dev
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

# What decides, what remembers and what acts is reached whole.
cover: $(VENV)/.dev
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --cov=changedesk --cov-report= $(TESTS)
	for bar in base:100 rules:100 ledger:100 kinds:100 flow:100; do \
	  $(BIN)/coverage report --skip-covered --show-missing --include="*/changedesk/$${bar%:*}/*" \
	    --fail-under=$${bar#*:} || exit 1; done

# SAMPLE=0 tries every mutant; AGAIN=--again only those that were not noticed last time.
SAMPLE ?= 400
mutants: $(VENV)/.mutants
	$(VENV)/mutants/bin/python -m tests.mutants --sample $(SAMPLE) $(AGAIN)

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy src/changedesk tests
	$(BIN)/lint-imports
	CHANGEDESK_STATE_DIR=$(VENV)/check $(BIN)/python -m changedesk.channels.api.document $(VENV)/check.json
	diff -u openapi.json $(VENV)/check.json

bench: $(VENV)/.dev
	$(BIN)/python -m bench

lock:
	for name in build run dev mutants; do uv pip compile --generate-hashes --no-emit-index-url --no-header \
	  --python-version 3.11 --upgrade requirements/$$name.in -o requirements/$$name.lock; done

venv: $(VENV)/.run
venv-dev: $(VENV)/.dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/build.lock requirements/run.lock pyproject.toml | $(BIN)/python
	$(PIP) --require-hashes -r requirements/build.lock -r requirements/run.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.lock | $(BIN)/python
	$(PIP) --require-hashes -r requirements/dev.lock
	@touch $@

$(VENV)/.mutants: requirements/build.lock requirements/mutants.lock | $(BIN)/python
	$(PYTHON) -m venv $(VENV)/mutants
	$(VENV)/mutants/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock -r requirements/mutants.lock
	$(VENV)/mutants/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache htmlcov .coverage*
