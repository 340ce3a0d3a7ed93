# Everything runs in .venv, which is made on first use; `make PYTHON=python3.12 ...` chooses the interpreter.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
INSTALL := -m pip --disable-pip-version-check --no-input install --quiet
PIP := PIP_USER=0 $(PY) $(INSTALL)
UV := .venv-lock/bin/uv
# Each lock holds for every system and for each Python from 3.11 on; it names no place to fetch from.
LOCK := $(UV) pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --upgrade \
  --custom-compile-command 'make lock' --group build pyproject.toml
# One test more than there are cores at a time: they often wait for what they have started.
PARALLEL = --numprocesses $$($(PYTHON) -c 'import os; print(os.cpu_count() + 1)') --dist worksteal
# Where other packages are used most: doit, YAML, pickles, tables, git and what is shown of them.
QUICK := tests/config tests/results tests/seeds tests/cli tests/tasks/test_creators.py tests/executors/test_job.py
DIGITS := pipelines/digits

.PHONY: help
help:  ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# $(call new-venv,FOLDER): make the virtual environment FOLDER, if it is not there or does not work.
define new-venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "pyexp needs Python 3.11 or later, and $(PYTHON) is `$(PYTHON) -V 2>&1 | head -n 1`;" \
	       "name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@$(1)/bin/python -c '' 2>/dev/null || { \
	  echo "Making the virtual environment $(1)"; \
	  $(PYTHON) -m venv --clear $(1) || { \
	    echo "$(PYTHON) could not make a virtual environment;" \
	         "on Debian and Ubuntu, install the package python3-venv" >&2; exit 1; }; }
endef

# One stamp for each extra: .venv/stamp-demo, .venv/stamp-test. All share the virtual environment, so their locks agree.
# What builds the project is locked as well, and so it is not fetched anew behind the lock's back.
.PRECIOUS: $(VENV)/stamp-%
$(VENV)/stamp-%: pyproject.toml requirements/%.txt
	$(call new-venv,$(VENV))
	@echo "Installing pyexp and what '$*' needs into $(VENV) (only this once; it may take a minute)"
	@$(PIP) --require-hashes --requirement requirements/$*.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@$(PY) -m compileall -q dodo_pyexp pyexp  # as any other installation does
	@touch $@

.PHONY: demo
demo: $(VENV)/stamp-demo  ## build pipelines/digits, a real machine-learning pipeline, end to end
	@cd $(DIGITS) && "$(CURDIR)/$(VENV)/bin/pyexp" build --jobs 0
	@cd $(DIGITS) && "$(CURDIR)/$(VENV)/bin/pyexp" results train evaluate --sort accuracy,desc
	@echo "Plot: `ls -t $(DIGITS)/out/evaluate/report/*/accuracy.png | head -n 1`"
	@echo "Say it again, and nothing is executed; or first change a learning rate in"
	@echo "$(DIGITS)/train.py: then that run is, and what depends on it."

# The commands that the tests start write no bytecode: without this, each would compile anew what was edited.
.PHONY: compiled
compiled: $(VENV)/stamp-test
	@$(PY) -m compileall -q dodo_pyexp pyexp

# --quick: commands are forks of an interpreter that has imported what they need, and chance is tried less often.
.PHONY: test
test: lint compiled  ## run the tests that are not slow, lint and type check
	$(PY) -m pytest $(PARALLEL) --quick -m 'not slow and not ray and not soak' $(PYTEST_ARGS)

.PHONY: test-all
test-all: lint compiled  ## run the whole test suite, lint and type check; then a quick set with the newest versions
	$(PY) -m pytest $(PARALLEL) $(PYTEST_ARGS)
	@$(MAKE) --no-print-directory test-newest PYTEST_ARGS='$(QUICK)'

.PHONY: test-ray
test-ray: $(VENV)/stamp-test-ray  ## run the tests of the Ray executor on clusters of several nodes (installs Ray)
	$(PY) -m pytest -m ray $(PYTEST_ARGS)

.PHONY: test-newest
test-newest:  ## run the suite with the newest versions that pyproject.toml admits, in .venv-newest
	$(call new-venv,.venv-newest)
	@PIP_USER=0 .venv-newest/bin/python $(INSTALL) --upgrade --upgrade-strategy eager --editable '.[test]'
	@.venv-newest/bin/python -m compileall -q dodo_pyexp pyexp
	.venv-newest/bin/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

# Old packages know no new Python: this is for the oldest one, `make test-lowest PYTHON=python3.11`.
.PHONY: test-lowest
test-lowest: $(UV)  ## run the suite with the lowest versions that pyproject.toml admits, in .venv-lowest
	$(call new-venv,.venv-lowest)
	@$(UV) pip compile --quiet --no-config --python .venv-lowest/bin/python --resolution lowest-direct \
	  --extra test --group build --output-file .venv-lowest/requirements.txt pyproject.toml
	@PIP_USER=0 .venv-lowest/bin/python $(INSTALL) --requirement .venv-lowest/requirements.txt
	@PIP_USER=0 .venv-lowest/bin/python $(INSTALL) --no-deps --no-build-isolation --editable .
	@.venv-lowest/bin/python -m compileall -q dodo_pyexp pyexp
	.venv-lowest/bin/python -m pytest $(PARALLEL) $(PYTEST_ARGS)

# The largest first: the others keep to its versions, as they share one virtual environment.
.PHONY: lock
lock: $(UV)  ## renew requirements/*.txt: the versions, with hashes, that make installs
	@$(LOCK) --extra test-ray --output-file requirements/test-ray.txt
	@for extra in test demo; do \
	  $(LOCK) --extra $$extra --constraints requirements/test-ray.txt --output-file requirements/$$extra.txt || exit 1; \
	done

$(UV):
	$(call new-venv,.venv-lock)
	@PIP_USER=0 .venv-lock/bin/python $(INSTALL) uv

.PHONY: lint
lint: $(VENV)/stamp-test  ## check style (ruff) and types (mypy, strict)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check --quiet .
	$(PY) -m mypy

# `make bench inputs` measures only that: what stands behind `bench` is a name of `python -m benchmarks`, and no target.
.PHONY: bench
bench: $(VENV)/stamp-test  ## measure the speed, beside plain doit and a bare interpreter
	$(PY) -m benchmarks $(BENCHED)
ifeq ($(firstword $(MAKECMDGOALS)),bench)
BENCHED := $(wordlist 2,$(words $(MAKECMDGOALS)),$(MAKECMDGOALS))
ifneq ($(BENCHED),)
.PHONY: $(BENCHED)
$(BENCHED):
	@:
endif
endif

.PHONY: soak
soak: $(VENV)/stamp-test  ## kill builds in the middle, for minutes, and check that nothing is lost
	$(PY) -m pytest -m soak --timeout 1800 $(PYTEST_ARGS)

.PHONY: clean
clean:  ## remove the virtual environment, caches and the pipeline's output
	rm -rf $(VENV) .venv-lock .venv-lowest .venv-newest build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis $(DIGITS)/out
	find dodo_pyexp pyexp tests examples pipelines benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
