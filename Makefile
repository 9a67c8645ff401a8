# Works with GNU make 3.81 and any POSIX sh. `make help` lists what there is.

SHELL := /bin/sh

# A stamp names what it stands for: another lock, version, command or place asks for a new set-up.
stamp = .venv/.$(1)-$(shell { pwd; grep -E '^(version|drip) = ' pyproject.toml; cat $(2); } | cksum | cut -d ' ' -f 1)
RUNTIME := $(call stamp,runtime,requirements.lock)
DEV := $(call stamp,dev,requirements-dev.lock)

# A stamp says nothing once the Python under .venv has gone (an upgrade took it away).
ifneq ($(shell .venv/bin/python -c 'print("alive")' 2>/dev/null),alive)
.PHONY: $(RUNTIME) $(DEV)
endif

.DEFAULT_GOAL := help
.PHONY: help install demo up test tools check bench shots lock clean
.NOTPARALLEL:

help: ## this list
	@echo 'make TARGET [ARGS="..."]'
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-7s  %s\n", $$1, $$2 }' Makefile

install: $(RUNTIME) ## what running needs, into .venv; again after each update

demo: $(RUNTIME) ## the whole course in a minute, in a mailbox on this machine
	@.venv/bin/drip demo $(ARGS)

up: $(RUNTIME) ## everything on one machine
	@.venv/bin/drip up $(ARGS)

test: $(DEV) ## the tests; what is missing on this machine is skipped and named
	@.venv/bin/python -m pytest $(ARGS)

tools: $(DEV) ## fetch what tests/proof looks at the letters with (npm packages); SpamAssassin is the system's
	@.ci/tools

check: $(DEV) ## the whole law: ruff, mypy, floors, `drip check`
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/drip check

bench: $(DEV) ## measurements, as JSON on stdout
	@.venv/bin/python -m bench $(ARGS)

shots: $(DEV) ## the screenshots of the documentation
	@.venv/bin/python docs/img/shots.py $(ARGS)

# The locks name no index, so that they work with any mirror. UPGRADE=--upgrade takes newer versions.
UV_COMPILE := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--python-version 3.11 --custom-compile-command 'make lock'

lock: ## write the locks anew from pyproject.toml (needs uv); UPGRADE=--upgrade for newer versions
	@command -v uv >/dev/null 2>&1 || { echo 'make lock needs uv: https://docs.astral.sh/uv/' >&2; exit 1; }
	@$(UV_COMPILE) $(UPGRADE) pyproject.toml --group build --output-file requirements.lock
	@$(UV_COMPILE) $(UPGRADE) pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock
	@$(UV_COMPILE) $(UPGRADE) tests/proof/tools/requirements.in --output-file tests/proof/tools/requirements.lock

clean: ## remove .venv, caches and builds; var/ with its data stays
	@rm -rf tests/proof/tools/.venv tests/proof/tools/node_modules
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis build dist *.egg-info
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUNTIME):
	@PYTHON='$(PYTHON)' .ci/setup requirements.lock $(RUNTIME)

$(DEV):
	@PYTHON='$(PYTHON)' .ci/setup requirements-dev.lock $(RUNTIME) $(DEV)
