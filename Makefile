# The two commands for a fresh machine are `make demo` and `make test`. Each makes the
# environment it needs, in .venv, from requirements.lock; nothing else is touched.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help demo test check format lock bench docs clean

help:
	@echo "make demo    run the whole story on a made-up university (under two minutes)"
	@echo "make test    run every test, on SQLite and on PostgreSQL (under ten minutes on two cores)"
	@echo "make check   format, lint, types, import contracts, migrations, spelling"
	@echo "make format  put the code in its one form"
	@echo "make bench   measure, with ratios (see docs/benchmarks.md)"
	@echo "make docs    write docs/reference/ from the code"
	@echo "make lock    choose the newest releases that fit and write requirements.lock"
	@echo "make clean   remove what these commands made"

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it with PYTHON=..."; exit 1; }
	@echo "Making the environment in .venv (once; a minute or two)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }
	@# The lock is whole: pip must not look for newer releases beside what it pins.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip check --quiet --disable-pip-version-check
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)
	@$(BIN)/matricula demo --again

test: $(READY)
	@$(BIN)/python tests/run.py $(ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/migrations.py
	$(BIN)/codespell
	$(BIN)/deptry src
	$(BIN)/python docs/generate.py --check

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# uv is asked for here alone: it resolves for every Python and platform at once.
lock: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade --quiet \
		--output-file requirements.lock

bench: $(READY)
	$(BIN)/python bench/run.py

docs: $(READY)
	$(BIN)/python docs/generate.py

clean:
	rm -rf .venv .matricula .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find src -name '*.egg-info' -prune -exec rm -rf {} +
