# `make serve` and `make test` are all that a newcomer needs; each makes .venv first if it is absent.
PYTHON ?= python3
TORCH ?=
GALLERY ?=
BANK ?=
JOBS ?= 2
BIN := .venv/bin
READY := .venv/.installed

.PHONY: install install-text serve test test-slow check fix bench docs clean

install: $(READY)

$(READY): pyproject.toml constraints.txt constraints-cpu.txt scripts/install.py
	$(PYTHON) scripts/install.py --torch "$(TORCH)"

install-text: $(READY)
	$(PYTHON) scripts/install_text.py

serve: $(READY)
	$(BIN)/kallisti serve $(foreach g,$(GALLERY),--gallery "$(g)") $(foreach b,$(BANK),--bank "$(b)")

test: $(READY)
	$(BIN)/python -m pytest -n $(JOBS) -m "not slow and not gpu"

test-slow: $(READY)
	$(BIN)/python -m pytest -m "slow"

# Gradio writes a stub beside a component that it loads; mypy would read it instead of the source.
check: $(READY)
	rm -f ui/*.pyi
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_house.py

fix: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python -m benchmarks

docs: $(READY)
	$(BIN)/python scripts/docs.py

clean:
	rm -rf .venv build *.egg-info
