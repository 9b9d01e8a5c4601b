# Two commands do all set-up on a machine that has only Python >= 3.11 and make: `make serve` and `make test`.
SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --no-input
export PORT

.DEFAULT_GOAL := help
.PHONY: help serve test check format bench lock clean

help: ## what each target does
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */\1|/' | awk -F'|' '{printf "  make %-8s %s\n", $$1, $$2}'

serve: .venv/installed ## install into .venv and run the service on http://127.0.0.1:$PORT, with a Postgres of its own
	@exec $(BIN)/muniment serve

# One worker more than there are cores, for some tests wait; four at most.
test: .venv/installed-dev ## install into .venv and run every test (no services needed, under two minutes)
	@exec $(BIN)/python -m pytest -n $$($(BIN)/python -c 'import os; print(min(4, os.cpu_count() + 1))') --dist loadfile --no-loadscope-reorder $(ARGS)

check: .venv/installed-dev ## ruff, format, basedpyright, import-linter, hadolint, compose: the static checks that CI runs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint deploy/Dockerfile
	POSTGRES_PASSWORD=checked SERVICE_PASSWORD=checked MUNIMENT_MASTER_KEY=checked $(BIN)/docker-compose -f deploy/compose.yaml config --quiet

format: .venv/installed-dev ## let ruff put the code in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .venv/installed-dev ## append, token, registration and replay figures, side by side with the ceiling program
	@exec $(BIN)/python -m tests.bench $(ARGS)

lock: ## resolve pyproject.toml anew into requirements.lock and requirements-dev.lock (needs uv)
	uv pip compile --quiet pyproject.toml --universal --generate-hashes --no-header --no-emit-find-links --upgrade --group build --group dev -o requirements-dev.lock
	uv pip compile --quiet pyproject.toml --universal --generate-hashes --no-header --no-emit-find-links --upgrade --group build -c requirements-dev.lock -o requirements.lock

clean: ## remove what was installed (never the data in .muniment)
	rm -rf .venv

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "muniment: $(PYTHON) is older than Python 3.11; name a newer one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "muniment: $(PYTHON) cannot make a virtual environment; on Debian: apt install python3-venv"; exit 1; }

.venv/installed: .venv/bin/python pyproject.toml requirements.lock
	@test -e .venv/installed-dev || echo "muniment: installing into .venv (once) ..."
	@$(PIP) install --require-hashes -r requirements.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml requirements-dev.lock
	@echo "muniment: installing into .venv, with the tools of the tests (once) ..."
	@$(PIP) install --require-hashes -r requirements-dev.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@ .venv/installed
