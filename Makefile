.PHONY: test
PYTEST_ARGS ?=

test: .venv/.dev
	FASTI_SOURCE_DIR="$${FASTI_SOURCE_DIR-../shared}" .venv/bin/pytest $(PYTEST_ARGS)

.venv/.dev: requirements.txt requirements-dev.txt
	@echo "Setting up .venv (once, about a minute)"
	@python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
