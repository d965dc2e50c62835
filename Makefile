##@ qldb-replay

PYTHON ?= python3.11
VENV ?= .venv
BIN := $(VENV)/bin
EXTRAS ?= spark,java,report,sign,postgresql
ARCHIVE ?= archive
LAKE ?= lake
REPORT ?= report.html
TO ?= sqlite:///$(notdir $(LAKE)).db
REVISIONS ?= 10000
TEST_ARGS ?=
TEST_PROCESSES ?= 2
EXAMPLES ?= 6000
NATIVE := setup.py pyproject.toml $(wildcard native/Cargo.* native/src/*.rs native/src/*/*.rs)
# The wheel runs where glibc is at least this old; zig links against it on any machine.
GLIBC := 2.17
MACHINE := $(shell uname -m)
# S3 for Spark on a machine that has none: the parts of the AWS SDK that S3A uses, not the bundle.
S3A := org.apache.hadoop:hadoop-aws:3.3.4 -com.amazonaws:aws-java-sdk-bundle \
	com.amazonaws:aws-java-sdk-s3:1.12.262 com.amazonaws:aws-java-sdk-dynamodb:1.12.262 \
	com.amazonaws:aws-java-sdk-sts:1.12.262

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*##/ {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##@ Set-up

$(VENV)/installed-%: $(NATIVE)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(VENV)/jars: $(VENV)/installed-$(EXTRAS)
	$(BIN)/python -m qldb_replay.lake.jars > $@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@

$(VENV)/jars-s3: $(VENV)/jars
	$(BIN)/python -m qldb_replay.lake.jars $(S3A) > $@.log 2>&1 || { cat $@.log; exit 1; }
	@touch $@

.PHONY: install
install: $(VENV)/jars ## Create .venv with the command .venv/bin/qldb-replay, Java and the Delta jars

##@ Use

.PHONY: run
run: install ## Run the whole job on ARCHIVE (invented if it does not exist) into LAKE, REPORT and TO
	@case "$(ARCHIVE)" in *://*) ;; *) [ -e "$(ARCHIVE)" ] || \
		$(BIN)/qldb-replay simulate --out "$(ARCHIVE)" --revisions $(REVISIONS) ;; esac
	@set --; [ ! -e "$(ARCHIVE).digest.json" ] || set -- --digest "$(ARCHIVE).digest.json"; \
		$(BIN)/qldb-replay run --archive "$(ARCHIVE)" --lake "$(LAKE)" --to "$(TO)" "$$@"; \
		code=$$?; \
		case $$code in 0|1|3) \
			$(BIN)/qldb-replay report --lake "$(LAKE)" --out "$(REPORT)" ;; esac; exit $$code

.PHONY: doctor
doctor: install ## Say what this machine has and lacks
	$(BIN)/qldb-replay doctor

##@ Development

.PHONY: test
test: $(VENV)/installed-$(EXTRAS),test $(VENV)/jars-s3 ## Run the tests (TEST_ARGS=tests/unit for the quick ones)
	@if cargo --version >/dev/null 2>&1; then \
		cd native && cargo test --quiet --locked --no-default-features --lib; fi
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --no-loadscope-reorder $(TEST_ARGS)

.PHONY: fuzz
fuzz: $(VENV)/installed-$(EXTRAS),test ## Hold the codecs against each other on EXAMPLES cases of each property
	QLDB_REPLAY_EXAMPLES=$(EXAMPLES) $(BIN)/python -m pytest -n $(TEST_PROCESSES) \
		tests/unit/codec tests/unit/archive tests/unit/ion

.PHONY: lint
lint: $(VENV)/installed-$(EXTRAS),test,dev ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy lib
	@if ! { cargo clippy --version && cargo fmt --version; } >/dev/null 2>&1; then \
		echo "no cargo with clippy and rustfmt here: native/ is not checked"; \
	else cd native && cargo fmt --check && cargo clippy --quiet --locked --all-targets -- -D warnings; fi

.PHONY: bench
bench: $(VENV)/installed-$(EXTRAS),test $(VENV)/jars ## Measure all, as ratios, and write docs/benchmarks.md (an hour)
	mkdir -p benchmarks/results
	for name in codec pipeline growth extremes replay; do \
		$(BIN)/python benchmarks/$$name.py --out benchmarks/results/$$name.json || exit 1; done
	$(BIN)/python benchmarks/page.py

.PHONY: wheel
wheel: $(VENV)/installed-wheel ## Build a wheel with the native codec, for machines without Rust
	rm -rf build
	PATH="$(abspath $(BIN)):$$PATH" CARGO=cargo-zigbuild \
		CARGO_BUILD_TARGET=$(MACHINE)-unknown-linux-gnu.$(GLIBC) \
		$(BIN)/python -m pip wheel --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --wheel-dir build/wheel .
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/auditwheel repair --only-plat \
		--plat manylinux_$(subst .,_,$(GLIBC))_$(MACHINE) --wheel-dir dist build/wheel/*.whl

.PHONY: clean
clean: ## Remove what was built; keeps archives and lakes
	rm -rf $(VENV) build dist native/target lib/qldb_replay/codec/_native.*.so lib/*.egg-info .pytest_cache .mypy_cache .ruff_cache
