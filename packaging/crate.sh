#!/bin/sh
# Checks that the crate fits a package registry: that it builds from its package alone, and that this is below the 10 MB that registries take.
set -eu
# Nothing is run, so that no time goes into optimizing.
cargo publish --config profile.dev.package.impasto.opt-level=0 --dry-run --locked --allow-dirty
cargo package --locked --allow-dirty --no-verify --quiet
package=$(find target/package -maxdepth 1 -name 'impasto-*.crate')
bytes=$(wc -c < "$package")
echo "$package: $bytes bytes"
[ "$bytes" -lt 10000000 ] || { echo "$package is too large for a registry"; exit 1; }
