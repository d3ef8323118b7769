# Each target makes what it needs: `make demo` and `make test` are all a fresh machine needs.
PYTHON ?= python3
# which versions are installed: constraints-lowest.txt the oldest that we allow, empty the newest there are
CONSTRAINTS ?= constraints.txt
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: help demo test test-spark test-dask test-ray check format bench licences clean
help:            ## this list
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 14

$(STAMP): pyproject.toml $(CONSTRAINTS)
	@$(PYTHON) -c 'import sys; sys.exit("iotae needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=$(abspath $(CONSTRAINTS)) $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

demo: $(STAMP)   ## the paper's experiment, then PyOD and River on NASA's Shuttle set (under a minute)
	$(BIN)/iotae demo --output demo
	$(BIN)/python -m benchmarks shuttle

test: $(STAMP)   ## all tests but those of the three below, doctests included, with a floor under the coverage
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal --cov

test-spark: $(STAMP) ## tables and fleets on Spark in local mode (installs the extra; needs Java 17)
	PIP_CONSTRAINT=$(abspath $(CONSTRAINTS)) $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,spark]'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 0 tests/test_spark.py

test-dask: $(STAMP) ## tuning, groups and benchmarks on Dask's processes (installs the extra)
test-ray: $(STAMP) ## the same on Ray (installs the extra, 240 MB)
test-dask test-ray: test-%:
	PIP_CONSTRAINT=$(abspath $(CONSTRAINTS)) $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev,$*]'
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 0 -m $* tests/test_backends.py

check: $(STAMP)  ## lint, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## rewrite the sources in the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ALL    := streams tables alarms faults fleets groups paper speed scoring linearity wide threads checkpoint mqtt thresholders nslkdd related memory hostile fuzz regimes feedback packets ablation sequences explanations edge sizing
bench: $(addprefix bench-,$(ALL)) ## every comparison and every measurement (about an hour)

bench-%: $(STAMP)
	$(BIN)/python -m benchmarks $*

licences: $(STAMP) ## name, version and licence of all dependencies
	$(BIN)/python -m benchmarks licences

clean:           ## remove everything that the other targets made
	rm -rf $(VENV) build *.egg-info demo .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
