# Two commands for a newcomer; each does all its own set-up in .venv (Python 3.10+, git and make are enough):
#   make hil     the main job: upgrade a virtual module over the air, leave an Allure report   (pytest --rig virtual)
#   make test    the tests of the tool itself                                                  (pytest tests -n 2)
PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=
RUN    := $(VENV)/bin/python -m
READY  := $(VENV)/.ready

.PHONY: hil test check lint types imports bench format setup clean

hil: $(READY)
	$(RUN) pytest --rig virtual $(ARGS)

test: $(READY)
	$(RUN) pytest tests -n 2 $(ARGS)

check: lint types imports

lint: $(READY)
	$(RUN) ruff check .
	$(RUN) ruff format --check .

types: $(READY)
	$(RUN) mypy

imports: $(READY)
	$(VENV)/bin/lint-imports

format: $(READY)
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

bench: $(READY)
	$(RUN) benchmarks $(ARGS)

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or newer is needed; say which: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(READY)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis build *.egg-info
