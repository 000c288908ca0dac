# What a person does here. `make` lists it.
#
#   make demo VENV=../env          another place for the environment (.venv by default)
#   make demo PYTHON=python3.12    another Python, 3.11 or newer
#   make test PIP_OPTIONS='…'      options for pip, such as the index of another build of torch
#   make bench TABLE=              the table beside the peers in full, which takes hours

PYTHON ?= python3
VENV ?= .venv
EXTRAS ?= keras,vision,hf,onnx,data,dev,bench
PIP_OPTIONS ?=
JOBS ?= 2
PAGE ?= leopards.html
TABLE ?= --quick

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
CODE := src tests benchmarks scripts

# Each of the parallel test processes computes with one thread; more would fight for the same cores.
BOUNDED := OMP_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs clean

help: ## list what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' Makefile

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@

demo: $(INSTALLED) ## open a network, explain it, and find its shortcut: leopards.html
	@$(BIN)/seethrough demo leopards -o $(PAGE)

test: $(INSTALLED) ## the whole test suite
	$(BOUNDED) $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

check: $(INSTALLED) ## style, types, and that imports only go down
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check --quiet $(CODE)
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/lint-imports --no-cache

bench: $(INSTALLED) ## print the figures that documents speak of, and make the READMEs' table
	for each in startup allocator summary tree memory onnx_files grids hostile findings composed_filters activations maximize jobs threads units wall written_down speed methods limit scale verdicts; do $(BIN)/python benchmarks/$$each.py || exit 1; done
	$(BIN)/python benchmarks/table.py $(TABLE) --json out/table.json --readme

docs: $(INSTALLED) ## examples in docstrings run, links lead somewhere, commands and numbers in documents are true
	KERAS_BACKEND=torch $(BIN)/python -m pytest --doctest-modules src/seethrough
	$(BIN)/python scripts/check_documents.py

clean: ## remove what was built; the environment too
	rm -rf $(VENV) .venv-ci build dist leopards.html .pytest_cache .hypothesis .ruff_cache .import_linter_cache
	find src tests benchmarks scripts -name __pycache__ -type d -exec rm -rf {} +
