#!/bin/sh
# Builds the archive and the Debian package of the last commit twice, in two folders of different names, and compares the bytes.
set -eu
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for folder in one another-one; do
    git clone --quiet . "$work/$folder"
    make --directory "$work/$folder" dist
done
cmp "$work/one/target/dist/SHA256SUMS" "$work/another-one/target/dist/SHA256SUMS"
echo "both builds have the same bytes:"
cat "$work/one/target/dist/SHA256SUMS"
