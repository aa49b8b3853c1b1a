"""Make the pictures in content/ and style/ again from their source packages.

Run from the project's root on Debian 12, with Python 3.11 or newer:

    mkdir -p target/data
    (cd target/data && apt-get download opencv-doc=4.6.0+dfsg-12 gcompris-qt-data=3.1-2)
    for package in target/data/*.deb; do dpkg-deb -x "$package" target/data/debian; done
    python3 -m venv target/data/venv
    target/data/venv/bin/pip install pillow==13.0.0
    target/data/venv/bin/pip download --no-deps -d target/data scikit-image==0.26.0
    target/data/venv/bin/python data/make_pictures.py \\
        target/data/debian target/data/scikit_image-0.26.0-*.whl target/data/pictures

Prints the SHA-256 of each picture and compares it with SHA256SUMS. Fails if one differs.
"""

import argparse
import hashlib
import io
import re
import struct
import sys
import zipfile
import zlib
from pathlib import Path

from PIL import Image

STARRY_NIGHT = "usr/share/doc/opencv-doc/examples/data/starry_night.jpg"
PAINTINGS = "usr/share/gcompris-qt/rcc/paintings.rcc"

# The jigsaw of the Great Wave: its board file, the size of the board in pixels, and the crop.
BOARD = "board7_0.qml"
BOARD_SIZE = (702, 515)
CROP = (20, 36, 677, 477)  # left, top, right, bottom; excludes the uneven border of the pieces


def resources(rcc):
    """Return the files in a Qt resource file of version 3, as {name without folder: bytes}."""
    magic, version, tree, data, names = struct.unpack_from(">4s4I", rcc)
    if (magic, version) != (b"qres", 3):
        raise ValueError("not a Qt resource file of version 3")
    files, node, nodes = {}, 0, 1
    while node < nodes:  # the children of a folder follow it
        at = tree + 22 * node
        name, flags = struct.unpack_from(">IH", rcc, at)
        if flags & 2:  # a folder
            count, first = struct.unpack_from(">II", rcc, at + 6)
            nodes = max(nodes, first + count)
        else:
            (length,) = struct.unpack_from(">H", rcc, names + name)
            start = names + name + 6  # skips the length and a hash
            name = rcc[start : start + 2 * length].decode("utf-16-be")
            (start,) = struct.unpack_from(">I", rcc, at + 10)
            start += data
            (length,) = struct.unpack_from(">I", rcc, start)
            content = rcc[start + 4 : start + 4 + length]
            files[name] = zlib.decompress(content[4:]) if flags & 1 else content
        node += 1
    return files


def great_wave(files):
    """Assemble the jigsaw. The board gives the center of each piece, relative to its size."""
    board = Image.new("RGB", BOARD_SIZE)
    places = r'image/(GreatWave_\w+\.webp)",\s*"x" : "([\d.]+)",\s*"y" : "([\d.]+)"'
    for name, x, y in re.findall(places, files[BOARD].decode()):
        piece = Image.open(io.BytesIO(files[name])).convert("RGBA")
        left = round(float(x) * BOARD_SIZE[0] - piece.width / 2)
        top = round(float(y) * BOARD_SIZE[1] - piece.height / 2)
        board.paste(piece, (left, top), mask=piece)
    return board.crop(CROP)


def jpeg(picture, quality):
    """Return the bytes of a picture as JPEG, with Pillow's default settings."""
    buffer = io.BytesIO()
    picture.convert("RGB").save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def main():
    parser = argparse.ArgumentParser(
        description="Make the pictures again from their source packages."
    )
    parser.add_argument("debian", type=Path, help="folder with the unpacked Debian packages")
    parser.add_argument("wheel", help="the wheel of scikit-image")
    parser.add_argument("out", type=Path, help="folder to write content/ and style/ to")
    arguments = parser.parse_args()

    made = {}
    with zipfile.ZipFile(arguments.wheel) as wheel:
        for name in ("chelsea", "coffee"):
            png = io.BytesIO(wheel.read(f"skimage/data/{name}.png"))
            made[f"content/{name}.jpg"] = jpeg(Image.open(png), quality=94)
    paintings = resources((arguments.debian / PAINTINGS).read_bytes())
    made["style/great_wave.jpg"] = jpeg(great_wave(paintings), quality=93)
    made["style/starry_night.jpg"] = (arguments.debian / STARRY_NIGHT).read_bytes()

    sums = Path(__file__).with_name("SHA256SUMS").read_text().splitlines()
    expected = {name: sha for sha, name in map(str.split, sums)}
    differs = False
    for name, content in made.items():
        path = arguments.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        found = hashlib.sha256(content).hexdigest()
        differs |= found != expected[name]
        print(found, name, "equal" if found == expected[name] else "DIFFERS")
    sys.exit(differs)


if __name__ == "__main__":
    main()
