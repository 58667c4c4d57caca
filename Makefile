# Stockade's tasks; `make help` lists them. Python 3.11 or newer and make are all they need.

SHELL := bash
.DEFAULT_GOAL := help

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHON

.PHONY: help
help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/.ready ## set up .venv from the locked requirements

.venv/.ready: requirements/dev.txt pyproject.toml
	@scripts/environment.sh .venv requirements/dev.txt
	@.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Tools that must stay out of .venv: a lock file and an environment each.
.venv-%/.ready: requirements/%.txt
	@scripts/environment.sh .venv-$* $<
	@touch $@

.PHONY: demo
demo: setup ## attack the range without and with Stockade, then start the clinic (ONCE=1: scoreboard only)
	@exec .venv/bin/python -m stockade.tools.demo $(if $(ONCE),--once)

.PHONY: test
test: setup ## run the tests, three files at a time: many of them wait
	@.venv/bin/python -m pytest --numprocesses=3 --dist=loadfile

.PHONY: coverage
coverage: setup ## run the tests, several times as slow, and say how much of the code they reach
	@.venv/bin/coverage erase
	@.venv/bin/coverage run -m pytest -o faulthandler_timeout=0
	@.venv/bin/coverage combine --quiet
	@echo "Coverage: $$(.venv/bin/coverage report --format=total) % (by file: .venv/bin/coverage report)"

.PHONY: test-full
test-full: export STOCKADE_FULL = 1
test-full: .venv-mysqlclient/.ready .venv-schemathesis/.ready .venv-sqlmap/.ready test ## the same, where an absent server, tool or corpus is a failure

.PHONY: check
check: setup ## lint, types, import contracts, locks, licences
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/basedpyright
	.venv/bin/lint-imports
	bash -n .ci/run scripts/environment.sh
	.venv/bin/python scripts/locks.py
	.venv/bin/python scripts/licences.py

.PHONY: bench
bench: setup ## measure every claim against its budget
	@exec .venv/bin/python -m benchmarks

# What runs for hours; a test of `make test` that takes ten minutes hangs.
LONG = .venv/bin/python -m pytest -o faulthandler_timeout=0

.PHONY: sqlmap
sqlmap: setup .venv-sqlmap/.ready ## point sqlmap at the range, the full matrix
	@STOCKADE_SQLMAP=all $(LONG) tests/integration/test_sqlmap.py

.PHONY: schemathesis
schemathesis: setup .venv-schemathesis/.ready ## the clinic against its OpenAPI document, 5,000 examples
	@STOCKADE_SCHEMATHESIS=5000 $(LONG) -s tests/integration/test_schemathesis.py

.PHONY: attackers
attackers: setup .venv-sqlmap/.ready .venv-wapiti/.ready .venv-xsstrike/.ready ## sqlmap, Wapiti and XSStrike at the range, bare and guarded, for hours (ATTACKERS="--only …")
	@exec nice .venv/bin/python -m benchmarks.attackers $(ATTACKERS)

.PHONY: corpora
corpora: setup ## every SQL injection of the corpora against three real databases (STOCKADE_CORPORA)
	@STOCKADE_CORPORA_FULL=1 $(LONG) -s tests/integration/test_sql_corpora.py

.PHONY: audit-million
audit-million: setup ## edit an audit log of a million entries in every way (an hour), and kill its writers 300 times
	@STOCKADE_AUDIT_ENTRIES=1000000 STOCKADE_KILLS=300 $(LONG) \
		tests/watch/audit/test_tampering.py tests/watch/audit/test_kills.py

FUZZ_TARGETS = sql-sqlite sql-postgresql sql-mysql sql-truth sql-scanner shell path inputs
MINUTES ?= 60
.PHONY: fuzz
fuzz: .venv-fuzz/.ready ## fuzz the grammars, coverage-guided (MINUTES=60, in all)
	@for target in $(FUZZ_TARGETS); do \
		PYTHONPATH=src:. .venv-fuzz/bin/python -m tests.fuzz $$target \
			$$(( $(MINUTES) * 60 / $(words $(FUZZ_TARGETS)) )) 2> fuzz-$$target.log || \
			{ grep -v '^[#I]' fuzz-$$target.log; exit 1; }; \
		echo "$$target: $$(grep -o 'Done .*' fuzz-$$target.log)"; done

LOCK = UV_NO_CONFIG=1 .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links $(LOCK_FLAGS)

.PHONY: lock
lock: .venv-lock/.ready ## lock the requirements again (LOCK_FLAGS=--upgrade: at their newest)
	@$(LOCK) --extra all pyproject.toml requirements/dev.in --output-file requirements/dev.txt
	@for source in $(filter-out requirements/dev.in,$(wildcard requirements/*.in)); do \
		$(LOCK) $$source --output-file $${source%.in}.txt || exit; done

.PHONY: clean
clean: ## remove the environments, caches and build results
	@rm -rf .venv .venv-* .coverage* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@rm -rf build dist htmlcov
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
