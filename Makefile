# Two commands do everything on a machine with Python 3.11+ and make:
#   make demo   sets up, then estimates, runs, cancels and bills a load test on this machine
#   make test   sets up, then runs the tests

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Most tests wait for processes of their own, so there are more workers than cores.
PYTEST_WORKERS ?= $(shell $(PYTHON) -c 'import os; print(4 + (os.cpu_count() or 1))')
# Of the simulator, the kills and the habits: another one every day, and any one again with SEED=20270125.
SEED ?= $(shell date +%Y%m%d)
# Of test-cloud.
CLOUD ?= aws
CLOUD_REGION_aws := eu-west-1
CLOUD_REGION_azure := westeurope
MACHINES := tests/pricing/subscriptions/test_any_subscription.py tests/pricing/ledger/test_ledger_always_balances.py \
	tests/pricing/departments/test_whatever_departments_do.py

# Tests and benchmarks start hundreds of processes, and none should compile what another has.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-cloud check coverage rules promises mutants simulate audit fleets kills habits many-controllers
.PHONY: gateway-chaos
.PHONY: nightly bench behaviours docs pictures lock clean
.DEFAULT_GOAL := help

.PHONY: help
help:
	@sed -n 's/^#   //p' Makefile
	@echo "make test-cloud  the provider contract on your own account, up to LOADMUSTER_CLOUD_TEST_MAX_USD; CLOUD=azure"
	@echo "make check  linters, types and import contracts"
	@echo "make coverage  statements and branches that the tests execute, and modules below 85 %; TESTS=tests/engine/planning for a part"
	@echo "make rules  the numbered rules of billing, and the tests that hold each"
	@echo "make promises  what is promised whatever one does, by command and provider, and the tests that hold each"
	@echo "make mutants  over a hundred faults put into billing and the life of a run: each must be caught"
	@echo "make simulate  500 accounts for 3 years of crashes and repeats beside a model; SEED=7 for those of seed 7"
	@echo "make audit  1,000 lives of accounts on the product and on a model that was written from the rules' text alone; SEED=7"
	@echo "make fleets  10,000 lives of runs on a simulated cloud where anything goes wrong"
	@echo "make gateway-chaos  2,000 lives with a payment gateway that loses, delays, doubles and falsifies, and processes that die; SEED=7 for those of seed 7"
	@echo "make kills  real processes killed at 200 random instants on each database; SEED=7 for those of seed 7"
	@echo "make habits  200 sessions at a terminal that is closed, suspended, interrupted, killed; SEED=7 for those of seed 7"
	@echo "make many-controllers  200 runs shared by controllers of which one is killed every 3 s"
	@echo "make nightly  long tests, state machines with 2,000 examples of 60 steps, simulators, mutants"
	@echo "make bench  every figure of docs/figures.md, as ratios"
	@echo "make behaviours  what users of many kinds take of a core, beside what is foretold"
	@echo "make docs   the documents as a site in build/docs; a warning or a dead link fails"
	@echo "make lock   resolve the ranges of pyproject.toml into requirements.lock"

# uv installs in a third of pip's time; where it does not reach the registry as pip is told to, pip does.
# The stamp is written last, so that an interrupted installation starts over.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "loadmuster needs Python 3.11 or newer; set PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) --no-deps "$$(grep -o '^uv==[0-9.]*' requirements.lock)"
	$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock \
		|| $(PIP) --require-hashes -r requirements.lock
	$(PIP) --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q engine kernel loadmuster pricing providers
	@touch $@

demo: $(READY)
	@$(BIN)/python examples/demo.py

test: $(READY)
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal

# Costs money, so it takes both this target and a cap; see tests/real_clouds.py.
test-cloud: $(READY)
	@test -n "$$LOADMUSTER_CLOUD_TEST_MAX_USD" || { echo \
		"test-cloud launches small machines on your account at $(CLOUD): set" \
		"LOADMUSTER_CLOUD_TEST_MAX_USD, for example to 1.00, and credentials" >&2; exit 1; }
	$(BIN)/loadmuster doctor --provider $(CLOUD) --region $(CLOUD_REGION_$(CLOUD))
	$(BIN)/python -m pytest --cloud --timeout 3600 -k real-$(CLOUD) tests/providers/test_contract.py

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	find engine examples -name '*.sh' -exec $(BIN)/shellcheck --external-sources .ci/run {} +

# TESTS=tests/engine/planning for a part.
coverage: $(READY)
	@$(BIN)/python tests/coverage_report.py -n $(PYTEST_WORKERS) --dist worksteal $(TESTS)

rules: $(READY)
	@$(BIN)/python tests/rules_report.py

promises: $(READY)
	@$(BIN)/python tests/promises_report.py

mutants: $(READY)
	@$(BIN)/python -m tests.mutations

simulate: $(READY)
	@$(BIN)/python -m tests.billing_simulator --seed $(SEED) --accounts 500 --years 3

audit: $(READY)
	@$(BIN)/python -m tests.independent_model --seed $(SEED) --lives 1000

fleets: $(READY)
	@$(BIN)/python -m tests.run_simulator --seeds 10000

gateway-chaos: $(READY)
	@$(BIN)/python -m tests.gateway_chaos --seed $(SEED) --lives 2000

kills: $(READY)
	@$(BIN)/python -m tests.kills --seed $(SEED) --kills 200
	@$(BIN)/python -m tests.kills.calibrations --seed $(SEED) --kills 40

habits: $(READY)
	@$(BIN)/python -m tests.habits --seed $(SEED) --sessions 200

nightly: $(READY)
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal -m long
	LOADMUSTER_EXAMPLES=2000 LOADMUSTER_STEPS=60 $(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist worksteal $(MACHINES)
	@$(BIN)/python -m tests.billing_simulator --seed $(SEED) --accounts 500 --years 3
	@$(BIN)/python -m tests.independent_model --seed $(SEED) --lives 1000
	@$(BIN)/python -m tests.run_simulator --seeds 10000
	@$(BIN)/python -m tests.gateway_chaos --seed $(SEED) --lives 2000
	@$(BIN)/python -m tests.kills --seed $(SEED) --kills 200
	@$(BIN)/python -m tests.kills.calibrations --seed $(SEED) --kills 40
	@$(BIN)/python -m tests.habits --seed $(SEED) --sessions 200
	@$(BIN)/python -m tests.mutations

many-controllers: $(READY)
	$(BIN)/python -m pytest -q -s -m long tests/engine/runs/test_many_controllers.py --many-runs 200 --kill-every-s 3 --kills 1000

bench: $(READY)
	$(BIN)/python -m benchmarks

# Half an hour; JMeter's jars come from a package of PyPI. Processor time counts, so that neighbours
# change little; a target that shares its core with them may still be too slow.
behaviours: $(READY)
	$(BIN)/python -m benchmarks.measured_behaviours --jmeter build/jmeter
	$(BIN)/python -m benchmarks.foretold

# The notice of MkDocs' successors is no warning about these pages. Not --quiet: unseen warnings
# would not count.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "build/docs/index.html"

pictures: $(READY)
	$(BIN)/python docs/pictures.py

lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header \
		--python-version 3.11 --extra all --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .demo build dist *.egg-info
