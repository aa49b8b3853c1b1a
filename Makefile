# make demo             build the program and paint a picture
# make test             check the whole project
# make doc              open the library's documentation
# make test-mpi         check that several processes paint one picture, with Open MPI, which must be installed: see docs/large.md
# make test-studio      check the page of `impasto studio` in a browser: needs Chromium and Node.js, 20 or newer; see docs/studio.md
# make test-python      check the Python package, from its wheel: needs Python, 3.10 or newer
# make wheel            build the wheel of the Python package, into target/wheels/
# make bench            measure each operation and a whole iteration
# make bench-peer       measure a whole iteration, and the same in PyTorch
# make bench-pictures   paint pairs of pictures by several methods and measure the results, into docs/pictures/
# make bench-ways       measure when each optimizer reaches the loss of 300 iterations of Adam, and PyTorch's time for them, for docs/optimizers.md
# make check-weights    check that the project's weights are the same in every format, and how much memory a large file takes
# make fuzz             search for bytes that break the readers of weights files, FUZZ_SECONDS for each reader
# make clean            remove everything that was built or painted

CARGO ?= cargo
# cargo nextest runs the test programs in parallel. Without it, cargo test runs them one after the other.
TEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo nextest run || echo test)

.PHONY: demo test test-mpi test-studio test-python wheel bench bench-peer bench-pictures bench-ways check-weights fuzz doc clean

demo:
	$(CARGO) build --release --locked
	@mkdir -p out
	target/release/impasto stylize data/content/chelsea.jpg data/style/starry_night.jpg -o out/chelsea.png

test:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features -- -D warnings
	@if rustup target add aarch64-unknown-linux-gnu >/dev/null 2>&1; \
	then echo "checking the code for 64-bit Arm"; $(CARGO) check --locked --target aarch64-unknown-linux-gnu; \
	else echo "not checking the code for 64-bit Arm: its standard library cannot be installed"; fi
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps
	@echo "building these tests without optimization: they compute little, so building is what takes the time"
	CARGO_PROFILE_DEV_OPT_LEVEL=0 $(CARGO) $(TEST) --locked --no-default-features --features cli --lib --test without_weights
	$(CARGO) $(TEST) --locked --test '*'
	$(CARGO) test --locked --doc

# One test after the other: each starts several processes.
test-mpi:
	$(CARGO) clippy --locked --features mpi --lib --bins --test mpi -- -D warnings
	$(CARGO) test --locked --features mpi --test mpi -- --test-threads=1

# The types of the page and of its tests, then the tests, in the program as `make test` builds it.
test-studio: tests/studio/node_modules/.package-lock.json
	cd tests/studio && npx tsc && npx tsc --project ../../src/cli/studio/page
	$(CARGO) build --locked
	cd tests/studio && node --test --test-concurrency=1

tests/studio/node_modules/.package-lock.json: tests/studio/package-lock.json
	cd tests/studio && npm ci --no-audit --no-fund

# The wheel is built in the profile of the tests, whose dependencies `make test` has built. It is installed by itself into an empty
# environment, and the tests run in a folder outside of the tree, so that nothing but the wheel can be what they test.
PYTHON_PACKAGE := target/python
test-python: $(PYTHON_PACKAGE)/tools/installed
	$(CARGO) fmt --package impasto-python --check
	$(CARGO) clippy --locked --package impasto-python -- -D warnings
	$(CARGO) build --locked
	rm -rf $(PYTHON_PACKAGE)/wheel
	$(PYTHON_PACKAGE)/tools/bin/maturin build --quiet --locked --profile dev --strip \
		--manifest-path python/Cargo.toml --out $(PYTHON_PACKAGE)/wheel
	python3 -m venv --clear $(PYTHON_PACKAGE)/empty
	$(PYTHON_PACKAGE)/empty/bin/pip install --quiet $(PYTHON_PACKAGE)/wheel/*.whl
	$(PYTHON_PACKAGE)/empty/bin/impasto --version
	$(PYTHON_PACKAGE)/empty/bin/pip install --quiet --requirement python/requirements-test.txt
	outside=$$(mktemp -d) && trap 'rm -rf "$$outside"' EXIT && cd "$$outside" && \
		bin=$(CURDIR)/$(PYTHON_PACKAGE)/empty/bin && export PYTHONDONTWRITEBYTECODE=1 && \
		$$bin/stubtest impasto && \
		$$bin/mypy --config-file $(CURDIR)/python/pyproject.toml $(CURDIR)/python/tests && \
		$$bin/pytest --quiet --durations 5 $(CURDIR)/python/tests

wheel: $(PYTHON_PACKAGE)/tools/installed
	$(PYTHON_PACKAGE)/tools/bin/maturin build --locked --release --manifest-path python/Cargo.toml --out target/wheels
	@test -z "$$(find target/wheels -name '*.whl' -size +45000000c)" || { echo "the wheel is larger than 45 MB"; exit 1; }

$(PYTHON_PACKAGE)/tools/installed: python/requirements-build.txt
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet --requirement $<
	touch $@

bench:
	$(CARGO) bench --locked --bench operations

# METHODS, PAIRS, SIZE and others, which benches/pictures/main.rs lists, choose what is painted. Pictures that exist are kept.
bench-pictures:
	$(CARGO) bench --locked --bench pictures

# Installs PyTorch and its dependencies, about 6 GB, in a virtual environment under target/.
bench-peer: target/peer/installed
	$(CARGO) build --release --locked
	target/peer/bin/python benches/peer/compare.py target/release/impasto

bench-ways: target/peer/installed
	$(CARGO) build --release --locked
	target/peer/bin/python benches/ways.py target/release/impasto out/ways

# Installs SciPy, PyTorch and h5py in a virtual environment under target/.
check-weights: target/weights/installed
	$(CARGO) build --release --locked
	target/weights/bin/python tests/weights/check_formats.py target/release/impasto

target/peer/installed: benches/peer/requirements.txt
target/weights/installed: tests/weights/requirements.txt
target/peer/installed target/weights/installed:
	python3 -m venv $(@D)
	$(@D)/bin/pip install --quiet -r $<
	touch $@

# Needs the nightly toolchain and cargo-fuzz. Inputs that break a reader are stored in fuzz/artifacts/.
FUZZ_SECONDS ?= 300
fuzz:
	@for target in safetensors:safetensors pytorch:pth matlab:mat hdf5:h5 npz:npz any:*; do \
		name=$${target%%:*}; seeds=fuzz/corpus/seeds-$$name; \
		mkdir -p $$seeds fuzz/corpus/$$name && cp tests/weights/*.$${target##*:} $$seeds/ && \
		$(CARGO) +nightly fuzz run $$name fuzz/corpus/$$name $$seeds -- -max_total_time=$(FUZZ_SECONDS) \
			-max_len=80000 -malloc_limit_mb=64 -timeout=10 || exit 1; \
	done

doc:
	$(CARGO) doc --locked --no-deps --open

clean:
	$(CARGO) clean
	rm -rf out
