# Two commands do all set-up on a machine that has only Python >= 3.11 and make: `make serve` and `make test`.
SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# uv installs in a third of pip's time, and checks the same hashes. It comes from where pip comes, and trusts whom the system trusts.
INDEX = $${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$($(PIP) config get global.index-url 2>/dev/null || echo https://pypi.org/simple)}}
UV = UV_SYSTEM_CERTS=true UV_DEFAULT_INDEX="$(INDEX)" $(BIN)/uv
PYTHONS ?= 3.11 3.12 3.13 3.14
# One worker more than there are cores, for some tests wait; four at most.
SPREAD = -n $$($(BIN)/python -c 'import os; print(min(4, os.cpu_count() + 1))') --dist loadfile --no-loadscope-reorder
LOCK := pip compile --quiet --universal --generate-hashes --no-header --no-emit-find-links --upgrade
export PORT
# Where nothing compiled is kept, every process of the suite compiles its libraries and its tests again: ten seconds each.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help serve test test-clients test-pythons fuzz check types lint format bench bench-peers screenshots lock clean

help: ## what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1|/' | awk -F'|' '{printf "  make %-12s %s\n", $$1, $$2}'

serve: .venv/installed ## install into .venv and run the service on http://127.0.0.1:$PORT, with a Postgres of its own
	@exec $(BIN)/muniment serve

test: .venv/installed-dev ## install into .venv and run every test (no services needed; about five minutes on two cores)
	@exec $(BIN)/python -m pytest $(SPREAD) $(ARGS)

# A Python that is not here is named, so that nobody takes it for tested.
test-pythons: .venv/installed-dev ## run the rules and a smoke of the service on the other Pythons from 3.11 to 3.14 that are here
	@ours=$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	for version in $(PYTHONS); do \
	  if [ $$version = $$ours ]; then echo "Python $$version: make test tests it"; continue; fi; \
	  python=$$(tests/find_python.sh $$version); venv=.venv-python$$version; \
	  if [ -z "$$python" ]; then echo "Python $$version: not tested, for it is not on this machine"; continue; fi; \
	  echo "$$($$python --version): $$python" && \
	  $(UV) venv --quiet --allow-existing --python $$python $$venv && \
	  $(UV) pip install --quiet --python $$venv/bin/python --require-hashes -r requirements-dev.lock && \
	  $(UV) pip install --quiet --python $$venv/bin/python --no-deps --no-build-isolation -e . && \
	  $$venv/bin/python -m pytest $(SPREAD) tests/rules tests/flows/test_home.py tests/flows/test_cli.py $(ARGS) || exit 1; \
	done

test-clients: .venv/installed-dev ## log people in by stock clients in Go, Java, Node, Python and a browser, connect MCP clients, run MCP's conformance suite, verify the log by Go's tooling, and run docs/examples (builds them first: minutes)
	@exec $(BIN)/python -m pytest tests/clients -o timeout=900 $(ARGS)

fuzz: .venv/installed-dev ## let schemathesis try every operation of /openapi.json with what it makes up, and hypothesis every law with more of it than `make test` does (two minutes or three)
	@$(BIN)/python -m pytest tests/fuzz $(ARGS)
	@exec $(BIN)/python -m pytest tests/rules tests/tables -m hypothesis --hypothesis-profile thorough $(SPREAD) $(ARGS)

check: .venv/installed-dev ## ruff, format, basedpyright, import-linter, hadolint, compose: the static checks that CI runs
	@$(MAKE) --no-print-directory --output-sync --jobs 2 types lint

# The type checker takes most of the time, on one core; the others use the other.
types:
	$(BIN)/basedpyright

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint deploy/Dockerfile
	POSTGRES_PASSWORD=checked SERVICE_PASSWORD=checked MUNIMENT_MASTER_KEY=checked $(BIN)/docker-compose -f deploy/compose.yaml config --quiet

format: .venv/installed-dev ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

screenshots: .venv/installed-dev ## a small picture of every page of the console, for docs/console.md
	@exec $(BIN)/python -m pytest tests/browser/screenshots.py $(ARGS)

bench: .venv/installed-dev ## the figures of the budget beside the ceiling programs', and whether each goal holds (a quarter of an hour at most; ARGS=--help)
	@exec env UV_DEFAULT_INDEX="$(INDEX)" $(BIN)/python -m tests.bench $(ARGS)

bench-peers: .venv/installed-dev ## build the servers that one would pick instead, and measure each beside Muniment (builds them first: minutes)
	@exec $(BIN)/python -m tests.bench.alternatives $(ARGS)

lock: .venv/bin/uv ## resolve the dependencies anew into the three lock files
	$(UV) $(LOCK) --group install -o requirements-install.lock
	$(UV) $(LOCK) pyproject.toml --group build --group dev -o requirements-dev.lock
	$(UV) $(LOCK) pyproject.toml --group build -c requirements-dev.lock -o requirements.lock

clean: ## remove what was installed (never the data in .muniment)
	rm -rf .venv .venv-python*

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "muniment: $(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "muniment: $(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv"; exit 1; }

.venv/bin/uv: .venv/bin/python requirements-install.lock
	@echo "muniment: installing into .venv (once), uv first ..."
	@$(PIP) install --require-hashes -r requirements-install.lock
	@touch $@

.venv/installed: .venv/bin/uv pyproject.toml requirements.lock
	@$(UV) pip install --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: .venv/bin/uv pyproject.toml requirements-dev.lock
	@echo "muniment: the tools of the tests, too (once) ..."
	@$(UV) pip install --python $(BIN)/python --require-hashes -r requirements-dev.lock
	@$(UV) pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@ .venv/installed
