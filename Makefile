# `make help` lists the targets. Everything lives in .venv; nothing is installed outside this folder.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# test-gpu and bench-gpu also run in an environment of your own, in which nothing is installed: make test-gpu BIN=/its/bin
FOR_TESTS := $(if $(filter .venv/bin,$(BIN)),.venv/installed-dev)
FOR_BENCH := $(if $(filter .venv/bin,$(BIN)),.venv/installed-bench)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/installed-dev ## create .venv and install fivestep into it, and what the tests need

.PHONY: train
train: .venv/installed ## train Fashion-MNIST with the reference recipe
	@$(BIN)/fivestep train fashion-mnist

.PHONY: test
test: .venv/installed-dev ## check style, types and layers, then run all tests
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@PYTHONPATH=src $(BIN)/lint-imports --no-logo
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal --quiet

.PHONY: test-quick
test-quick: .venv/installed-dev ## check style and types, then run all tests but the slow ones
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal --quiet -m "not slow"

.PHONY: test-gpu
test-gpu: $(FOR_TESTS) ## run the tests that need a CUDA device, about two minutes (elsewhere each says why it is skipped)
	@$(BIN)/python -m pytest --quiet --numprocesses auto --maxprocesses 12 --dist worksteal tests/gpu

.PHONY: browser
browser: ## install Debian's chromium, for the tests of the pages (needs root; without it they are skipped)
	@apt-get install -y --no-install-recommends chromium

.PHONY: format
format: .venv/installed-dev ## put the code into the one format and mend what can be mended
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format --quiet .

.PHONY: bench
bench: .venv/installed-bench ## measure the published figures, rivals in the same run, a quarter of an hour; write them into RESULTS.md
	@$(BIN)/python benchmarks/run_all.py

.PHONY: bench-quick
bench-quick: .venv/installed-bench ## the same with two rounds each, to see that all of it runs; keeps nothing
	@$(BIN)/python benchmarks/run_all.py --quick

.PHONY: bench-gpu
bench-gpu: $(FOR_BENCH) ## measure one CUDA device, about six minutes, rivals that compile for long last (elsewhere it says that there is none); write it into RESULTS.md
	@status=0; for step in "gpu.py first" "gpu_fleets.py first" "gpu.py more" "gpu_fleets.py more" write_results.py; do \
		$(BIN)/python benchmarks/$$step || status=1; done; exit $$status

.PHONY: results
results: .venv/installed-bench ## write benchmarks/RESULTS.md from what has been measured
	@$(BIN)/python benchmarks/write_results.py

.PHONY: docs
docs: .venv/installed-docs ## run every lesson and build the site: course, guides, reference, in build/site
	@$(BIN)/sphinx-build -W --keep-going --quiet docs build/site
	@echo "The site is in build/site/index.html"

.PHONY: clean
clean: ## remove .venv and what the tools leave behind (runs/ stays)
	@rm -rf .venv build dist docs/lessons docs/reference docs/sg_execution_times.rst src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "fivestep needs Python 3.11 or newer; run: make PYTHON=python3.12")'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }  # half of one would pass for a whole one next time

.venv/installed: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing fivestep into .venv (the first time this takes a minute or two) ..."
	@$(PIP) install --constraint constraints.txt --editable .
	@touch $@

.venv/installed-dev: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing fivestep into .venv, and what the tests need (the first time this takes a few minutes) ..."
	@$(PIP) install --constraint constraints.txt --editable '.[dev]'
	@touch .venv/installed $@  # it is installed with them: not once more

.venv/installed-docs: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing fivestep into .venv, and what the site is built with ..."
	@$(PIP) install --constraint constraints.txt --editable '.[docs]'
	@touch .venv/installed $@

.venv/installed-bench: .venv/bin/python pyproject.toml constraints.txt
	@echo "Installing fivestep into .venv, what the tests need, and the rivals ..."
	@$(PIP) install --constraint constraints.txt --editable '.[dev,bench]'
	@touch .venv/installed .venv/installed-dev $@
