# Two commands: `make run` and `make test`. Each does all the set-up it needs.
# Settings can be given on the line: `make run PORT=8001`, `make test DATABASE=postgresql`. The work
# is done in scripts/.

PYTHON ?= python3

.PHONY: help run test quick coverage check lock bench screens clean

help:
	@echo "make run      set everything up, then run the site (Ctrl-C stops it)"
	@echo "make test     set everything up, then check and test the code"
	@echo "make quick    the tests that need no browser, no reconstruction and nothing else slow"
	@echo "make coverage the tests once more, with the lines that they leave out"
	@echo "make check    linters, types and import contracts only"
	@echo "make lock     pin what our packages need in turn (constraints.txt)"
	@echo "make bench    the longer measurements in benchmarks/"
	@echo "make screens  pictures of every page, in build/screens"
	@echo "make clean    remove what set-up and tools made; your data and accounts stay"

run:
	@exec $(PYTHON) scripts/bootstrap.py run

test:
	@exec $(PYTHON) scripts/bootstrap.py test

quick:
	@exec $(PYTHON) scripts/bootstrap.py quick

coverage:
	@exec $(PYTHON) scripts/bootstrap.py coverage

check:
	@exec $(PYTHON) scripts/bootstrap.py check

lock:
	@exec $(PYTHON) scripts/bootstrap.py lock

bench:
	@exec $(PYTHON) scripts/bootstrap.py bench

screens:
	@exec $(PYTHON) scripts/bootstrap.py screens

clean:
	rm -rf .venv node_modules static/dist staticfiles htmlcov .coverage
	rm -f locale/*/LC_MESSAGES/*.mo
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
