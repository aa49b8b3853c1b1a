#!/bin/sh
# Checks the dependencies against the advisories of RustSec, if their database can be reached.
set -u
log=$(mktemp)
trap 'rm -f "$log"' EXIT
cargo-deny --workspace --locked check advisories > "$log" 2>&1 && echo "advisories ok" && exit 0
if grep -q "failed to fetch advisory database" "$log"; then
    echo "advisories not checked: their database cannot be reached"
    exit 0
fi
cat "$log"
exit 1
