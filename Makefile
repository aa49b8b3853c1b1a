# make demo             build the program and paint a picture
# make test             check the whole project
# make doc              open the library's documentation
# make book             draw the figures of the book, measure its numbers and build it, into docs/book/html/; installs mdBook if it is absent
# make test-mpi         check that several processes paint one picture, with Open MPI, which must be installed: see docs/book/src/use/large.md
# make test-studio      check the page of `impasto studio` in a browser: needs Chromium and Node.js, 20 or newer; see docs/book/src/use/studio.md
# make install          put the program, manual pages, completions and licences below PREFIX, /usr/local unless named; DESTDIR is put before it
# make uninstall        remove them
# make dist             make an archive and a Debian package in target/dist/; installs cargo-about and cargo-deb if they are absent
# make test-dist        check both, each in an empty root; needs root and dpkg
# make check-dist       build the archive and the package twice, in two folders, and compare the bytes
# make check-deps       check licences, sources, duplicates and advisories of the dependencies, and that the crate fits a registry; installs
#                       cargo-deny if it is absent
# make test-python      check the Python package, from its wheel: needs Python, 3.10 or newer
# make wheel            build the wheel of the Python package, into target/wheels/
# make bench            measure each operation and a whole iteration
# make bench-peer       measure a whole iteration, and the same in PyTorch
# make bench-pictures   paint pairs of pictures by several methods and measure the results, into docs/book/src/use/pictures/
# make bench-ways       measure when each optimizer reaches the loss of 300 iterations of Adam, and PyTorch's time for them, for docs/book/src/use/optimizers.md
# make check-weights    check that the project's weights are the same in every format, and how much memory a large file takes
# make fuzz             search for bytes that break the readers of weights files, FUZZ_SECONDS for each reader
# make clean            remove everything that was built or painted

CARGO ?= cargo
# cargo nextest runs the test programs in parallel. Without it, cargo test runs them one after the other.
TEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo nextest run || echo test)

# Builds target/debug/impasto and target/debug/book as `make test` does. `cargo build` would build the library and much of what it depends on
# once more: without tests, dependencies have other features.
PROGRAMS = $(CARGO) test --no-run --quiet --locked $(TESTED) --test program --test figures
TESTED = --package impasto --package book

.PHONY: demo test test-mpi test-studio test-python wheel bench bench-peer bench-pictures bench-ways check-weights fuzz doc book clean install uninstall dist test-dist check-dist check-deps

demo:
	$(CARGO) build --release --locked
	@mkdir -p out
	target/release/impasto stylize data/content/chelsea.jpg data/style/starry_night.jpg -o out/chelsea.png

# The figures and numbers of the book.
DRAWN = docs/book/src/drawn

# The part of the tests' profile that is about this crate.
IMPASTO = profile.dev.package.impasto

ARM = aarch64-unknown-linux-gnu

# Named together, so that all of them share one build of the library and its dependencies.
PACKAGES = --package impasto --package book --package exercises

test:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked $(PACKAGES) --all-targets -- -D warnings
	$(CARGO) clippy --locked $(PACKAGES) --all-targets --features exercises/solutions -- -D warnings
	@# One run checks both that the library needs no feature and that its code compiles for 64-bit Arm.
	@if rustup target add $(ARM) >/dev/null 2>&1; \
	then echo "checking the library alone, for 64-bit Arm"; $(CARGO) clippy --locked --no-default-features --target $(ARM) -- -D warnings; \
	else echo "not checking the code for 64-bit Arm: its standard library cannot be installed"; \
		$(CARGO) clippy --locked --no-default-features -- -D warnings; fi
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps $(PACKAGES)
	@echo "building these tests without optimization: they compute little, so building is what takes the time"
	@# They have the debug assertions that the profile leaves out.
	@# With `studio`, the dependencies have the features that they have in what follows, and are built once.
	$(CARGO) $(TEST) --config $(IMPASTO).opt-level=0 --config $(IMPASTO).debug-assertions=true \
		--locked --no-default-features --features studio --lib --test without_weights
	@echo "the program, the numerics, and the book: its links, code, formulas, figures and numbers"
	@# As many tests run at a time as there are cores, so each gets one thread, unless it asks for more: the bits are the same.
	RAYON_NUM_THREADS=1 BOOK_DRAWN="$(CURDIR)/$(DRAWN)" $(CARGO) $(TEST) --locked $(TESTED) --test '*'
	$(CARGO) test --locked $(PACKAGES) --doc
	@echo "the exercises: none is solved, the solutions are right, and typical mistakes are named"
	$(CARGO) test --locked $(PACKAGES) --test learn -- --untouched
	$(CARGO) test --locked $(PACKAGES) --features exercises/solutions --test learn --test mistakes

# One test after the other: each starts several processes.
test-mpi:
	$(CARGO) clippy --locked --features mpi --lib --bins --test mpi -- -D warnings
	$(CARGO) test --locked --features mpi --test mpi -- --test-threads=1

# The types of the page and of its tests, then the tests, in the program as `make test` builds it.
test-studio: tests/studio/node_modules/.package-lock.json
	cd tests/studio && npx tsc && npx tsc --project ../../src/cli/studio/page
	$(PROGRAMS)
	cd tests/studio && node --test --test-concurrency=1

tests/studio/node_modules/.package-lock.json: tests/studio/package-lock.json
	cd tests/studio && npm ci --no-audit --no-fund

# The wheel is built in the profile of the tests, whose dependencies `make test` has built. It is installed by itself into an empty
# environment, and the tests run in a folder outside of the tree, so that nothing but the wheel can be what they test.
PYTHON_PACKAGE := target/python
test-python: $(PYTHON_PACKAGE)/tools/installed
	$(CARGO) fmt --package impasto-python --check
	$(CARGO) clippy --locked --package impasto-python -- -D warnings
	$(PROGRAMS)
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

# Tools that targets below install if they are absent. Most run for seconds however they are built, so they are built without optimization,
# which is faster. cargo-about is an exception: without optimization, comparing the texts of licences takes minutes.
CARGO_HOME ?= $(HOME)/.cargo
INSTALL_TOOL = CARGO_TARGET_DIR=target/tools CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) install --locked --debug
book dist check-deps: export PATH := $(PATH):$(CARGO_HOME)/bin

book:
	@command -v mdbook >/dev/null || $(INSTALL_TOOL) mdbook@0.5.4 --no-default-features --features search
	$(PROGRAMS)
	$(MAKE) --no-print-directory $(DRAWN)/numbers.json
	mdbook build docs/book
	@echo "the book: docs/book/html/index.html"

# `make test` draws them as well.
$(DRAWN)/numbers.json: $(shell find Cargo.lock data src docs/book/code -type f)
	target/debug/book draw $(DRAWN)

PREFIX ?= /usr/local

install:
	$(RELEASE)
	packaging/stage.sh target/release/impasto $(DESTDIR)$(PREFIX)

uninstall:
	packaging/unstage.sh $(DESTDIR)$(PREFIX)

# Two builds of one commit with one toolchain give the same bytes. The program has no path of this machine in it, and LLVM does not promote
# memory to registers out of loops: it visits the candidates in an order that differs from build to build. The speed is the same.
REPRODUCIBLE = --remap-path-prefix=$(CURDIR)=impasto --remap-path-prefix=$(CARGO_HOME)=cargo -C llvm-args=-disable-licm-promotion
RELEASE = RUSTFLAGS="$(REPRODUCIBLE)" $(CARGO) build --release --locked
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
ARCHIVE = impasto-$(VERSION)-$(shell uname -m)-linux
# All files of the archives are as old as the last commit.
dist: export SOURCE_DATE_EPOCH := $(or $(SOURCE_DATE_EPOCH),$(shell git log -1 --format=%ct 2>/dev/null),0)

dist:
	@command -v cargo-about >/dev/null || $(CARGO) install --locked cargo-about@0.9.3 --features cli
	@command -v cargo-deb >/dev/null || $(INSTALL_TOOL) cargo-deb@3.8.0
	$(RELEASE)
	rm -rf target/dist && mkdir -p target/dist
	cargo-about generate --locked --fail --config packaging/about.toml --output-file target/dist/LICENSES-dependencies.txt packaging/about.hbs
	packaging/stage.sh target/release/impasto target/dist/$(ARCHIVE)
	tar --create --directory target/dist --sort=name --mtime=@$$SOURCE_DATE_EPOCH --owner=0 --group=0 --numeric-owner $(ARCHIVE) \
		| gzip --no-name --best > target/dist/$(ARCHIVE).tar.gz
	ln -s $(ARCHIVE) target/dist/stage
	cargo-deb --locked --no-build --no-strip --output target/dist/
	rm target/dist/stage
	cd target/dist && sha256sum *.tar.gz *.deb | tee SHA256SUMS

# With the flags of `make dist`, so that `cargo install` does not build everything again.
test-dist: dist
	RUSTFLAGS="$(REPRODUCIBLE)" tests/dist/check.sh

check-dist:
	tests/dist/reproducible.sh

check-deps:
	@command -v cargo-deny >/dev/null || $(INSTALL_TOOL) cargo-deny@0.20.2
	cargo-deny --workspace --locked check bans licenses sources
	packaging/advisories.sh
	packaging/crate.sh

clean:
	$(CARGO) clean
	rm -rf out
