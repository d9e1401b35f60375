# The front door. `make help` lists the verbs; each is one command that the README also shows.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help env demo data doctor test slow lint docs format benchmark
.DEFAULT_GOAL := help

help:  ## list these verbs
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

env: $(INSTALLED)  ## build .venv with the tested versions (nothing to do when it is up to date)

$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "SplatSR needs Python 3.11 or newer: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,docs]'
	touch $@

demo: env  ## train a small model on embedded photographs, print the table, draw pictures and a page to zoom into: outputs/demo
	run=outputs/train/quickstart/$$(date +%Y-%m-%d_%H-%M-%S) && \
	$(BIN)/python run.py experiment=quickstart hydra.run.dir=$$run && \
	$(BIN)/python -m splatsr view $$run -o $$run/zoom.html && \
	ln -sfn $${run#outputs/} outputs/demo && echo "look at outputs/demo/pictures, and open outputs/demo/zoom.html in a browser"

DATA ?= div2k
ROOT ?= datasets

data: env  ## decode the images to train on, once: make data DATA=df2k ROOT=<the folder that holds DIV2K and Flickr2K>
	$(BIN)/python run.py job=prepare data=$(DATA) data.root=$(ROOT)

doctor: env  ## list versions, devices and data sets, and what is missing: make doctor ROOT=<the folder that holds the sets>
	$(BIN)/python run.py job=doctor data=div2k data.root=$(ROOT)

test: env  ## run the tests, but for those of make slow
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup -m "not slow"

slow: env  ## run the tests that start several trainings or compilers, 20 to 60 seconds each
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup -m slow

lint: env  ## check style, formatting and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: env  ## build the documentation with the API reference: site/
	$(BIN)/python benchmarks/gallery.py
	$(BIN)/mkdocs build --strict

format: env  ## mend style and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

benchmark: env  ## measure speed on this machine; writes the tables of benchmarks/README.md
	$(BIN)/python benchmarks/splat.py
	$(BIN)/python benchmarks/scales.py
	$(BIN)/python benchmarks/attention.py
	$(BIN)/python benchmarks/step.py
	$(BIN)/python benchmarks/gpu_minutes.py
	$(BIN)/python benchmarks/large.py
	$(BIN)/python benchmarks/command.py
	$(BIN)/python benchmarks/loader.py
	$(BIN)/python benchmarks/prior.py
