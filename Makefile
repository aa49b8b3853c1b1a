# make demo    paint a picture; make test    check everything; make bench    measure; make doc    the library's documentation

CARGO ?= cargo
# nextest runs test programs side by side; cargo test does where it is not installed.
TEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo nextest run || echo test)

.PHONY: demo test bench doc clean

demo:
	$(CARGO) build --release --locked
	@mkdir -p out
	target/release/impasto stylize data/content/chelsea.jpg data/style/starry_night.jpg -o out/chelsea.png \
		--size 448 --init content --iterations 110 --learning-rate 8 --content-weight 10

test:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps
	$(CARGO) $(TEST) --locked --no-default-features --test without_weights
	$(CARGO) $(TEST) --locked --lib --tests
	$(CARGO) test --locked --doc

bench:
	$(CARGO) bench --locked

doc:
	$(CARGO) doc --locked --no-deps --open

clean:
	$(CARGO) clean
	rm -rf out
