# Two commands do everything on a fresh machine: `make demo` and `make test`.

PYTHON ?= python3
# Processes that share the tests, each with a Neo4j of its own (about 2.5 GB together); 0 runs them in one.
WORKERS ?= 2
BIN := .venv/bin
ARGS ?=

# Compiling torch anew in each process costs 12 s more than importing it: keep the bytecode, in .venv and beside sources.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup page jars demo test check format bench lock browser clean

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/.installed page jars ## Create .venv from the lock file; build the page; fetch Java and Neo4j

.venv/.installed: requirements.lock requirements-uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Attune needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "This Python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Creating .venv and installing the locked dependencies (about 3 GB, half a minute to a few minutes)"
	@start=$$(date +%s); $(PYTHON) -m venv .venv \
		&& $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock \
		&& { $(BIN)/uv pip sync --python $(BIN)/python --require-hashes requirements.lock \
			|| $(BIN)/python -m pip install --require-hashes -r requirements.lock; } \
		&& $(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation -e . \
		&& touch $@ && echo "Installed in $$(( $$(date +%s) - start )) s"

# From web/ into api/web/page, with the Node.js that a wheel brought; nothing is done while nothing changed.
page: .venv/.installed
	@$(BIN)/python web/build.py

jars: .venv/.installed
	@$(BIN)/python -c 'from graph import jars, rehearsal; jars.fetch(print); rehearsal.make(print)'

demo: setup ## Load Complete Journey, train, serve; prints the addresses (ARGS="--households 200" for a short one)
	@$(BIN)/attune demo $(ARGS)

test: setup browser ## Every test: unit, contract, property, integration on a real Neo4j, browser
	@$(BIN)/python -m pytest -m "not bench" -n $(WORKERS) --dist loadfile $(ARGS)

browser: .venv/.installed
	@sh tests/browser/ensure-chromium.sh $(BIN)

check: .venv/.installed page ## Formatting, lint, types, import arrows, dependencies, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/codespell

format: .venv/.installed ## Write the formatting and the fixes that ruff can make
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Ratios measured in one run: load, snapshot, attention layers, GraphQL
	@$(BIN)/python -m pytest -m bench -s -p no:cacheprovider tests/bench $(ARGS)

lock: .venv/.installed ## Lock the newest allowed dependencies, with hashes and without addresses
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--upgrade --all-extras --group dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--constraint requirements.lock pyproject.toml -o requirements-serve.lock
	echo uv | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --upgrade - -o requirements-uv.lock

clean: ## Remove the virtual environment and caches (data under ATTUNE_HOME stays)
	rm -rf .venv build web/node_modules api/web/page *.egg-info .pytest_cache .ruff_cache .hypothesis
