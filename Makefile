# Two commands do everything on a machine with Python 3.11+ and make:
#   make demo   sets up, then estimates, runs, cancels and bills a load test on this machine
#   make test   sets up, then runs the tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST_WORKERS ?= auto

.PHONY: demo test check rules mutants many-controllers bench pictures lock clean
.DEFAULT_GOAL := help

.PHONY: help
help:
	@sed -n 's/^#   //p' Makefile
	@echo "make check  linters, types and import contracts"
	@echo "make rules  the numbered rules of billing, and the tests that hold each"
	@echo "make mutants  twenty and more faults put into billing and the reaper: each must be caught"
	@echo "make many-controllers  200 runs shared by controllers of which one is killed every 3 s"
	@echo "make bench  every figure of the README, as ratios"
	@echo "make lock   resolve the ranges of pyproject.toml into requirements.lock"

# The stamp is written last, so that an interrupted installation starts over.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "loadmuster needs Python 3.11 or newer; set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	@$(BIN)/python examples/demo.py

test: $(READY)
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

rules: $(READY)
	@$(BIN)/python tests/rules_report.py

mutants: $(READY)
	@$(BIN)/python tests/mutations.py

many-controllers: $(READY)
	$(BIN)/python -m pytest -q -s tests/runs/test_many_controllers.py --many-runs 200 --kill-every-s 3 --kills 1000

bench: $(READY)
	$(BIN)/python -m benchmarks

pictures: $(READY)
	$(BIN)/python docs/pictures.py

lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 --extra all --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .demo build dist *.egg-info
