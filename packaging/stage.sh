#!/bin/sh
# packaging/stage.sh PROGRAM PREFIX: puts the program, its manual pages, completions and licences below PREFIX, as on a Unix system.
set -eu
# Folders that everybody may read, whatever the user's own files are.
umask 022
program=$1
prefix=$2
root=$(dirname "$0")/..
man=$prefix/share/man/man1
doc=$prefix/share/doc/impasto
bash=$prefix/share/bash-completion/completions
zsh=$prefix/share/zsh/site-functions
fish=$prefix/share/fish/vendor_completions.d

install -d "$prefix/bin" "$man" "$doc" "$bash" "$zsh" "$fish"
install -m 755 "$program" "$prefix/bin/impasto"
"$program" man "$man"
"$program" completions bash > "$bash/impasto"
"$program" completions zsh > "$zsh/_impasto"
"$program" completions fish > "$fish/impasto.fish"
install -m 644 "$root/CHANGELOG.md" "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$doc"
install -m 644 "$root/src/cli/explain/font/LICENSE" "$doc/LICENSE-font"
install -m 644 "$root/packaging/LICENSE-weights" "$doc"
# `make dist` lists the dependencies with their licences. It takes a tool, so that `make install` goes without.
if [ -e "$root/target/dist/LICENSES-dependencies.txt" ]; then
    install -m 644 "$root/target/dist/LICENSES-dependencies.txt" "$doc"
fi
chmod 644 "$man"/* "$bash"/impasto "$zsh"/_impasto "$fish"/impasto.fish
