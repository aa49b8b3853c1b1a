#!/bin/sh
# Paints the picture of each preset that the page shows. Run it in the project's folder, after `cargo build --release`.
set -e
for preset in default gram classic gatys2016 neural-style crowsonkb strotss nnst; do
    target/release/impasto stylize data/content/chelsea.jpg data/style/starry_night.jpg --preset "$preset" --size 256x192 \
        --jpeg-quality 82 -o "src/cli/studio/page/presets/$preset.jpg"
done
