# make demo    the main job, end to end, on real images: two to five minutes on two cores
# make test    the tests
# Both make .venv if there is none and install into it; nothing is done twice.
# Needed: Python 3.11 or newer with its venv module, and a package index.
#   make PYTHON=/path/to/python3.12 test     chooses the interpreter that .venv is made with

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Test processes; each holds about 1 GB.
PROCESSES ?= 2

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test test-slow test-jax test-torch lint mutation wheel notebooks docs accessibility test-lowest audit venv clean clean-venv
help:
	@sed -n 's/^# \{0,1\}//p' Makefile | sed -n '1,5p'
	@echo "make test-slow | test-jax | test-torch | lint | mutation | wheel | docs | accessibility | test-lowest | audit | clean | clean-venv (removes .venv too)"

demo: $(VENV)/.installed
	@$(BIN)/evo demo $(ARGS)

test: $(VENV)/.installed-dev
	@TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(PROCESSES) --dist loadfile $(ARGS)

test-slow: $(VENV)/.installed-dev
	@TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow --timeout 3600 $(ARGS)

# The engine on another backend, which is installed: the quick programs of the fidelity corpus beside Keras' fit, and the tests
# of the backend. Ten minutes each.
test-jax test-torch: test-%: $(VENV)/.installed-%
	@KERAS_BACKEND=$* TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks fidelity --quick
	@$(BIN)/python -m pytest tests/evo/training/backends/test_other_backends.py -k $* $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# Half an hour and more for everything; it resumes where it was stopped. One module: make mutation ARGS=evo/campaign/retention.py
mutation: $(VENV)/.installed-mutation
	@TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 $(BIN)/python tests/mutation.py --processes $(PROCESSES) $(ARGS)

# Builds sdist and wheel into dist/, the wheel from the sdist; installs the wheel into a new environment and tries it there.
wheel: $(VENV)/.made
	@rm -rf dist build/lib build/bdist.* build/installed # what else is in build, notebooks and site, took its time
	@$(BIN)/python -m pip install --quiet build
	@$(BIN)/python -m build --outdir dist . >/dev/null
	@"$(PYTHON)" -m venv build/installed
	@build/installed/bin/python -m pip install --quiet dist/*.whl
	@cd build && TF_CPP_MIN_LOG_LEVEL=3 installed/bin/python -P ../tests/installed_package.py
	@ls -l dist

# The notebooks with what they print, in build/notebooks: ten minutes the first time, later only those that were changed.
NOTEBOOKS := $(patsubst examples/notebooks/%,build/notebooks/%,$(wildcard examples/notebooks/*.ipynb))
notebooks: $(NOTEBOOKS)
build/notebooks/%.ipynb: examples/notebooks/%.ipynb | $(VENV)/.installed-docs
	@echo "Executing $<"
	@rm -rf build/notebooks/$*
	@mkdir -p build/notebooks/$*
	@cd build/notebooks/$* && TF_CPP_MIN_LOG_LEVEL=3 "$(CURDIR)/$(BIN)/jupyter-execute" --timeout=1800 \
	  --output="$(CURDIR)/$@" "$(CURDIR)/$<"

# The documentation as a site in build/site; a warning is an error.
docs: $(VENV)/.installed-docs $(NOTEBOOKS)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict $(ARGS)

# axe over report, dashboard and site; needs Node and Chromium besides.
accessibility: docs
	@$(BIN)/python website/accessibility/run.py

# The lowest releases that pyproject.toml allows, in an environment of their own.
test-lowest: $(VENV)/.made
	@$(BIN)/python -m pip install --quiet uv
	@$(BIN)/uv venv --quiet --allow-existing --python "$(PYTHON)" .venv-lowest
	@$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python --resolution lowest-direct --editable .
	@$(BIN)/uv pip install --quiet --python .venv-lowest/bin/python pytest pytest-timeout pytest-xdist hypothesis keras-tuner tensorboard skops
	@TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 .venv-lowest/bin/python -m pytest -n $(PROCESSES) --dist loadfile tests/genomes tests/evo/core tests/evo/algorithms tests/evo/storage tests/evo/report tests/evo/training/backends tests/evo/ensemble/test_ensemble.py tests/evo/campaign/test_main_job.py $(ARGS)

# Known vulnerabilities of what is installed; asks a server.
audit: $(VENV)/.installed
	@$(BIN)/python -m pip install --quiet pip-audit
	@$(BIN)/pip-audit --skip-editable $(ARGS)

venv: $(VENV)/.installed

# A stamp file inside .venv records what is installed; it is redone when pyproject.toml changes.
$(VENV)/.installed-dev: pyproject.toml $(VENV)/.made
	@echo "Installing evo with what its tests need into $(VENV) (the first time: some minutes)"
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $(VENV)/.installed $@

$(VENV)/.installed-jax $(VENV)/.installed-torch: $(VENV)/.installed-%: $(VENV)/.installed-dev
	@$(BIN)/python -m pip install --quiet --editable '.[dev,$*]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed-dev
	@$(BIN)/python -m pip install --quiet --editable '.[dev,docs]'
	@touch $@

$(VENV)/.installed-mutation: $(VENV)/.installed-dev
	@$(BIN)/python -m pip install --quiet --editable '.[dev,mutation]'
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.made
	@echo "Installing evo into $(VENV) (the first time: some minutes)"
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.made:
	@command -v "$(PYTHON)" >/dev/null 2>&1 || { \
	  echo "make: no '$(PYTHON)' on PATH. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3 ..." >&2; \
	  exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: evo needs Python 3.11 or newer, '$(PYTHON)' is $$("$(PYTHON)" -c 'import platform; print(platform.python_version())')." >&2; \
	  echo "make: name a newer one: make PYTHON=/path/to/python3.12 ..." >&2; \
	  exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv $(VENV) || { \
	  rm -rf $(VENV); \
	  echo "make: '$(PYTHON)' cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; \
	  exit 1; }
	@touch $@

clean:
	rm -rf build dist mutants ./*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find evo genomes benchmarks tests -name __pycache__ -type d -prune -exec rm -rf {} +

clean-venv: clean
	rm -rf $(VENV)
