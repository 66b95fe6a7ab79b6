# `make demo` and `make test` set everything up by themselves; nothing else is needed first.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PYTEST ?= $(BIN)/pytest
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
USABLE := $(VENV)/.usable
READY := $(VENV)/.ready

# As many tests at once as tests/conftest.py says. Whoever has none left takes from the others.
MANY := -n auto --dist worksteal

# Compiled modules are kept, whatever Python is told here: see tests/conftest.py.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo quick test test-loaded long trend docs wheel bundle image lint style types dead scripts \
	format locked weights clean

help:
	@echo "make demo     make a sample photo and clip and obscure them"
	@echo "make quick    style, types and the tests that take a moment each"
	@echo "make test     all checks but the long ones: style, types, tests"
	@echo "make test-loaded  the same three times, with two busy loops beside it"
	@echo "make long     the long ones: relatives of the others, all that the documents type, installs"
	@echo "make trend    a few figures beside those of earlier versions"
	@echo "make docs     build the documents as a site"
	@echo "make wheel    build the wheel and try it in an empty environment"
	@echo "make bundle   build the executable for machines without Python, and try it"
	@echo "make image    try the steps of the container image, then build it; needs Docker"
	@echo "make lint     style, types and dead code only, of Python and of the page's scripts"
	@echo "make format   rewrite the sources in the project's style"
	@echo "make locked   write locked.txt: the versions of constraints.txt with the hashes of their files"
	@echo "make weights  fetch the detectors' weights"
	@echo "make clean    remove what was made here"

# Installed again when what is required changes; otherwise a second run starts at once. To use
# FaceVeil takes less than to work on it.
$(USABLE): pyproject.toml constraints.txt
	@echo "Installing FaceVeil into $(VENV): about 630 MB, some minutes the first time."
	$(PYTHON) -m venv $(VENV)
	$(subst --quiet,--progress-bar on,$(PIP)) -e '.[server,sign]'
	@touch $@

$(READY): $(USABLE)
	$(PIP) -e '.[mediapipe,scale,test]'
	@touch $@

# One detector is enough, so what cannot be fetched is named in a line and passed over.
weights: $(USABLE)
	@$(BIN)/faceveil weights fetch --quiet || true

# A second run shows where the samples are; `faceveil demo` makes them anew.
demo: weights
	@if [ demo/after.mp4 -nt $(USABLE) ]; \
	then echo "The samples are in demo/. To make them anew: $(BIN)/faceveil demo"; \
	else $(BIN)/faceveil demo demo; fi

# Beside each other: to find the types takes longer than all the rest.
lint: $(READY)
	@$(MAKE) --no-print-directory -j4 $(if $(filter output-sync,$(.FEATURES)),--output-sync) \
		types scripts dead style

style: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

dead: $(READY)
	$(BIN)/vulture

scripts:
	@tools/check_js.sh

quick: lint weights
	$(PYTEST) $(MANY) -m "not alone and not slow and not long"

# The tests come last, so that their summary is what is seen.
test: lint weights
	$(PYTEST) -m "alone and not long"
	$(PYTEST) $(MANY) -m "not alone and not long"

test-loaded:
	@tools/under_load.sh $(MAKE) --no-print-directory test

long: $(READY) weights
	@$(BIN)/faceveil weights fetch people --quiet || true
	$(PYTEST) -m "long and alone"
	$(PYTEST) $(MANY) -m "long and not alone"

trend: $(READY) weights
	@$(BIN)/python benchmarks/trend.py

docs: $(READY)
	@$(BIN)/zensical build --strict -f mkdocs.yml

wheel:
	@tools/try_wheel.sh $(PYTHON)

bundle:
	@tools/make_bundle.sh $(PYTHON)
	@tools/try_bundle.sh

# The steps without a container engine first: they fail sooner.
image:
	@containers/try.sh
	docker build -f containers/Dockerfile -t faceveil .
	mkdir -p dist
	docker save faceveil | gzip > dist/faceveil-image.tar.gz

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The container is installed from this, with what hatchling needs to build FaceVeil itself.
locked: $(USABLE)
	$(PIP) uv
	echo hatchling | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
		--generate-hashes --no-annotate --custom-compile-command "make locked" -c constraints.txt \
		$(addprefix --extra ,mediapipe redis server sign) pyproject.toml - -o locked.txt

clean:
	rm -rf $(VENV) .cache demo build dist site .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
