# make film PROMPT="A teddy bear is swimming in the ocean"   makes a film and prints its path
# make test                                                  runs every test
# Both set up what they need in .venv, alone and in either order. Film takes OUTPUT, SEED and SYSTEM, too.

# taken as typed, quotes and dollars included, and handed to the shell through the environment only
override PROMPT := $(value PROMPT)
override OUTPUT := $(value OUTPUT)
override SEED := $(value SEED)
override SYSTEM := $(value SYSTEM)
export PROMPT OUTPUT SEED SYSTEM

BIN := .venv/bin
.PHONY: film test
.DEFAULT_GOAL := film

film: .venv/film.stamp
	@[ -n "$$PROMPT" ] || { echo 'say what to show: make film PROMPT="A teddy bear is swimming in the ocean"' >&2; exit 2; }
	@[ -n "$$OUTPUT" ] || set -- --overwrite; \
	$(BIN)/kineograph generate "--prompt=$$PROMPT" $${OUTPUT:+"--output=$$OUTPUT"} $${SEED:+"--seed=$$SEED"} \
		$${SYSTEM:+"--system=$$SYSTEM"} "$$@"

test: .venv/test.stamp
	$(BIN)/python -m pytest

# everything pip says goes to standard error: the path of the film is all that film prints
.venv/film.stamp: pyproject.toml | .venv/bin/python
	@echo "installing kineograph in .venv" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . >&2
	@touch $@

.venv/test.stamp: pyproject.toml | .venv/bin/python
	@echo "installing kineograph and what its tests need in .venv" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,world,train]' >&2
	@touch $@ .venv/film.stamp

.venv/bin/python:
	@for python in python3 python3.14 python3.13 python3.12 python3.11; do \
		if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec $$python -m venv .venv; \
		fi; \
	done; echo "kineograph needs Python 3.11 or newer" >&2; exit 1
