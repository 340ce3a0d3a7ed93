# Everything runs in .venv, which is made on first use; `make PYTHON=python3.12 ...` chooses the interpreter.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
PIP := PIP_USER=0 $(PY) -m pip --disable-pip-version-check --no-input install --quiet
DIGITS := pipelines/digits

.PHONY: help
help:  ## show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# One stamp for each extra: .venv/stamp-demo, .venv/stamp-test. Both share the virtual environment.
.PRECIOUS: $(VENV)/stamp-%
$(VENV)/stamp-%: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "pyexp needs Python 3.11 or later, and $(PYTHON) is `$(PYTHON) -V 2>&1 | head -n 1`;" \
	       "name a newer one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PY) -c '' 2>/dev/null || { \
	  echo "Making the virtual environment $(VENV)"; \
	  $(PYTHON) -m venv --clear $(VENV) || { \
	    echo "$(PYTHON) could not make a virtual environment;" \
	         "on Debian and Ubuntu, install the package python3-venv" >&2; exit 1; }; }
	@echo "Installing pyexp and what '$*' needs into $(VENV) (only this once; it may take a minute)"
	@$(PIP) --editable '.[$*]'
	@$(PY) -m compileall -q dodo_pyexp pyexp  # as any other installation does
	@touch $@

.PHONY: demo
demo: $(VENV)/stamp-demo  ## build pipelines/digits, a real machine-learning pipeline, end to end
	@cd $(DIGITS) && "$(CURDIR)/$(VENV)/bin/pyexp" build --jobs 0
	@cd $(DIGITS) && "$(CURDIR)/$(VENV)/bin/pyexp" results train evaluate --sort accuracy,desc
	@echo "Plot: `ls -t $(DIGITS)/out/evaluate/report/*/accuracy.png | head -n 1`"
	@echo "Say it again, and nothing is executed; or first change a learning rate in"
	@echo "$(DIGITS)/train.py: then that run is, and what depends on it."

.PHONY: test
test: lint  ## run the whole test suite, lint and type check
	$(PY) -m pytest --numprocesses auto --dist worksteal $(PYTEST_ARGS)

.PHONY: test-ray
test-ray: $(VENV)/stamp-test-ray  ## run the tests of the Ray executor on clusters of several nodes (installs Ray)
	$(PY) -m pytest -m ray $(PYTEST_ARGS)

.PHONY: lint
lint: $(VENV)/stamp-test  ## check style (ruff) and types (mypy, strict)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check --quiet .
	$(PY) -m mypy

.PHONY: bench
bench: $(VENV)/stamp-test  ## measure the speed, beside plain doit and a bare interpreter
	$(PY) -m benchmarks

.PHONY: soak
soak: $(VENV)/stamp-test  ## kill builds in the middle, for minutes, and check that nothing is lost
	$(PY) -m pytest -m soak --timeout 1800 $(PYTEST_ARGS)

.PHONY: clean
clean:  ## remove the virtual environment, caches and the pipeline's output
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis $(DIGITS)/out
	find dodo_pyexp pyexp tests examples pipelines benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
