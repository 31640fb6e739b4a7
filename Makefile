.PHONY: run load check test bench sbom audit lock
PYTEST_ARGS ?=
export HOST PORT
COMPILE = pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --strip-extras \
	--allow-unsafe --all-build-deps --extra postgresql

run: .venv/.run
	@.venv/bin/fasti serve

load: .venv/.run
	.venv/bin/fasti load

check: .venv/.run
	FASTI_SOURCE_DIR="$${FASTI_SOURCE_DIR-../shared}" .venv/bin/fasti check

test: .venv/.dev
	@command -v chromium chromium-browser google-chrome > /dev/null || echo "No Chromium here: the explorer is not tested."
	FASTI_SOURCE_DIR="$${FASTI_SOURCE_DIR-../shared}" .venv/bin/pytest -n logical --maxprocesses 4 --dist loadfile $(PYTEST_ARGS)

bench: .venv/.dev
	@.venv/bin/python -m tests.bench $(ARGS)

# What a server is made of, for those who have to know, in CycloneDX's form.
sbom: .venv-gate/.done
	@mkdir -p .data
	.venv-gate/bin/cyclonedx-py requirements --output-reproducible --output-file .data/sbom.json requirements.txt

audit: .venv-gate/.done
	.ci/audit

lock:
	$(COMPILE) --output-file requirements.txt pyproject.toml
	python3 -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies']['gate'], sep='\n')" \
		| pip-compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --strip-extras \
		--allow-unsafe --output-file requirements-gate.txt -
	$(COMPILE) --extra test --extra mcp --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

# A lock names everything, so that nothing is looked for beside it: pip would take the newest release of what has an
# extra, which is not the one that is locked once there is a newer.
.venv/.run: requirements.txt pyproject.toml
	@echo "Setting up .venv (once, about a minute)"
	@python3 -m venv .venv
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.txt
	@.venv/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv-gate/.done: requirements-gate.txt
	@python3 -m venv .venv-gate
	@.venv-gate/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-gate.txt
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt
	@echo "Setting up the tests (once, about a minute)"
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.txt
	@touch $@
