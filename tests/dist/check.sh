#!/bin/bash
# tests/dist/check.sh: installs the archive and the Debian package of target/dist/, each in an empty root, and paints with nothing else there.
# Run by `make test-dist`, as root (for chroot) or with fakechroot. Prints a line for each check.
set -euo pipefail
cd "$(dirname "$0")/../.."
dist=target/dist
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0 passed=0

check() { # check SENTENCE COMMAND…
    local sentence=$1 status
    shift
    # bash ignores `set -e` in what an `if` asks, so that only the last step would count.
    set +e
    (set -e && "$@") > "$work/log" 2>&1
    status=$?
    set -e
    if [ "$status" = 0 ]; then
        passed=$((passed + 1))
        echo "ok: $sentence"
    else
        failed=$((failed + 1))
        echo "FAILED: $sentence"
        sed 's/^/    /' "$work/log" | tail -20
    fi
}

# The C library and its loader, which the program needs and no package of ours contains.
libraries() { ldd "$1" | grep -oE '/[^ ]+' | sort -u; }
add_libraries() { # add_libraries PROGRAM ROOT
    libraries "$1" | while read -r library; do install -D "$library" "$2$library"; done
}

paint() { # paint ROOT PROGRAM OUTPUT
    install -D data/content/chelsea.jpg "$1/pictures/photo.jpg"
    install -D data/style/starry_night.jpg "$1/pictures/painting.jpg"
    mkdir -p "$1/tmp" "$1/proc"
    chroot "$1" "$2" stylize /pictures/photo.jpg /pictures/painting.jpg -o /pictures/out.png \
        --size 64 --iterations 4 --quiet --threads 1
    cp "$1/pictures/out.png" "$3"
}

parses() { # parses PREFIX: completions and manual pages are what their readers can read
    local share=$1/share
    bash -n "$share/bash-completion/completions/impasto"
    # bash offers the commands that begin so.
    # shellcheck disable=SC2016
    bash -c 'source "$1"; COMP_WORDS=(impasto sty); COMP_CWORD=1; _impasto impasto sty impasto; [ "${COMPREPLY[*]}" = stylize ]' - \
        "$share/bash-completion/completions/impasto"
    if command -v zsh > /dev/null; then zsh -n "$share/zsh/site-functions/_impasto"; fi
    if command -v fish > /dev/null; then fish -n "$share/fish/vendor_completions.d/impasto.fish"; fi
    for page in "$share"/man/man1/*; do
        zcat -f "$page" > "$work/page.1"
        if command -v groff > /dev/null; then
            [ -z "$(groff -man -K utf8 -T utf8 -ww -z "$work/page.1" 2>&1)" ]
        fi
        grep -q '^.SH NAME' "$work/page.1"
    done
}

has_licences() { # has_licences FOLDER
    local names
    names=$(ls "$1")
    for name in LICENSE-MIT LICENSE-APACHE LICENSE-font LICENSE-weights LICENSES-dependencies.txt; do
        grep -q "^$name" <<< "$names"
    done
    # Each library in the program is listed.
    zcat -f "$1"/LICENSES-dependencies.txt* > "$work/licences"
    cargo tree --locked --edges normal --prefix none --format '{p}' | sed -E 's/ v([^ ]+).*/ \1/' | sort -u |
        grep -v '^impasto ' | while read -r library; do grep -qF "$library" "$work/licences" || { echo "$library"; exit 1; }; done
}

archive=$(echo "$dist"/impasto-*.tar.gz)
package=$(echo "$dist"/impasto_*.deb)

mkdir "$work/tar" "$work/deb"
check "the archive unpacks" tar -xzf "$archive" -C "$work/tar" --strip-components=1
add_libraries "$work/tar/bin/impasto" "$work/tar"
check "the archive's program paints in an empty root" paint "$work/tar" /bin/impasto "$work/tar.png"
check "the archive's completions and manual pages are in order" parses "$work/tar"
check "the archive contains the licences of all that is in it" has_licences "$work/tar/share/doc/impasto"

mkdir -p "$work/deb/var/lib/dpkg"/{info,updates}
touch "$work/deb/var/lib/dpkg/status"
# The dependencies are not in the empty root; that they are the right ones is checked below.
check "the Debian package installs" dpkg --root="$work/deb" --force-depends --install "$package"
add_libraries "$work/deb/usr/bin/impasto" "$work/deb"
check "the Debian package's program paints in an empty root" paint "$work/deb" /usr/bin/impasto "$work/deb.png"
check "the Debian package's completions and manual pages are in order" parses "$work/deb/usr"
check "the Debian package contains the licences of all that is in it" has_licences "$work/deb/usr/share/doc/impasto"
check "both paint the same picture" cmp "$work/tar.png" "$work/deb.png"

depends=$(dpkg-deb --field "$package" Depends)
owners() { libraries "$work/deb/usr/bin/impasto" | while read -r file; do dpkg -S "$(readlink -f "$file")" "$file" 2> /dev/null || true; done | cut -d: -f1 | sort -u; }
named() { [ -n "$(owners)" ]; for owner in $(owners); do grep -qE "(^|, )$owner( |,|$)" <<< "$depends" || { echo "$owner is not in: $depends"; return 1; }; done; }
check "the Debian package depends on the packages of the libraries that it loads" named
check "it is removed without a trace" dpkg --root="$work/deb" --purge impasto
check "nothing of it is left" test ! -e "$work/deb/usr/bin/impasto"

no_paths() {
    for path in "$PWD" "${CARGO_HOME:-$HOME/.cargo}" "${RUSTUP_HOME:-$HOME/.rustup}"; do
        if grep -aF -m 1 -o "$path" "$work/tar/bin/impasto"; then exit 1; fi
    done
}
check "the program contains no path of the machine that built it" no_paths

cargo_install() { CARGO_TARGET_DIR=target cargo install --locked --path . --root "$work/cargo" && "$work/cargo/bin/impasto" --version; }
check "cargo install installs it" cargo_install
make_install() { make --no-print-directory install DESTDIR="$work/staged" PREFIX=/opt/impasto && "$work/staged/opt/impasto/bin/impasto" --version; }
check "make install installs it" make_install
make_uninstall() { make --no-print-directory uninstall DESTDIR="$work/staged" PREFIX=/opt/impasto && [ -z "$(find "$work/staged" -type f)" ]; }
check "make uninstall leaves nothing" make_uninstall

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
