#!/bin/sh
# packaging/unstage.sh PREFIX: removes what stage.sh put there.
set -eu
rm -f "$1/bin/impasto" "$1"/share/man/man1/impasto.1 "$1"/share/man/man1/impasto-*.1
rm -f "$1/share/bash-completion/completions/impasto" "$1/share/zsh/site-functions/_impasto" "$1/share/fish/vendor_completions.d/impasto.fish"
rm -rf "$1/share/doc/impasto"
