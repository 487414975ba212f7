# make        set up .venv, find or fetch CIFAR-10, run the whole exercise (QUICK=1: a minute or two)
# make test   set up .venv, run the tests, on all cores      make check   those that are quick: under a minute
#             (ALL=1, before a release: also every mutant and hostile folder, and what makes records and figures)
# make setup  the set-up alone          make lint    ruff, mypy --strict
# make site   the documentation as a site in build/site/html, with search; it needs no network
# make bench  the benchmarks (QUICK=1: tiny sizes, under 3 minutes, no record)
# make docs   regenerate tables and figures from results/       make clean  remove .venv

PYTHON ?= python3
OUT ?= $(if $(QUICK),runs/quick,runs/reproduce)
BIN := .venv/bin
# as many processes as tests/conftest.py says, each with the tests of one file after another
PARALLEL := -n logical --dist loadfile --no-loadscope-reorder
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# or each of the tests' many processes would compile fcnet anew
unexport PYTHONDONTWRITEBYTECODE
test: export FCNET_ALL := $(ALL)

.DEFAULT_GOAL := reproduce
.PHONY: reproduce setup test check lint bench docs site clean

reproduce: setup
	@$(BIN)/fcnet reproduce --out $(OUT) $(if $(QUICK),--quick) $(if $(DATA),--data $(DATA)) $(ARGS)

setup: .venv/ready

.venv/ready: pyproject.toml constraints.txt setup.sh
	@sh setup.sh $(PYTHON)

test: setup
	@$(BIN)/python -m pytest $(PARALLEL) -m "not cifar10$(if $(ALL),, and not release)" $(ARGS)

check: setup
	@$(BIN)/python -m pytest $(PARALLEL) -m "not cifar10 and not slow" --durations=5 $(ARGS)

lint: setup
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

bench: setup
	@$(BIN)/python benchmarks/run.py $(if $(QUICK),--quick) $(ARGS)

docs: setup
	@$(BIN)/python tools/generate.py $(ARGS)

site: setup
	@$(BIN)/python tools/documentation.py $(ARGS)

clean:
	rm -rf .venv
