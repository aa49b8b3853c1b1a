"""Paints the three pictures of src/images/gallery.jpg with the default settings: `python3 docs/book/make_gallery.py target/release/impasto`.

Needs Pillow.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
HEIGHT, GAP = 300, 10
PAIRS = [
    ("pairs/content/neuschwanstein.jpg", "pairs/style/auvers.jpg"),
    ("content/coffee.jpg", "style/great_wave.jpg"),
    ("pairs/content/macaw.jpg", "pairs/style/composition_viii.jpg"),
]


def painted(program, photograph, painting, folder):
    file = Path(folder) / (Path(photograph).stem + ".png")
    data = ROOT / "data"
    subprocess.run([program, "stylize", data / photograph, data / painting, "--quiet", "--output", file], check=True)
    picture = Image.open(file).convert("RGB")
    return picture.resize((round(picture.width * HEIGHT / picture.height), HEIGHT), Image.Resampling.LANCZOS)


with tempfile.TemporaryDirectory() as folder:
    pictures = [painted(sys.argv[1], *pair, folder) for pair in PAIRS]
sheet = Image.new("RGB", (sum(p.width for p in pictures) + GAP * (len(pictures) - 1), HEIGHT), "white")
x = 0
for picture in pictures:
    sheet.paste(picture, (x, 0))
    x += picture.width + GAP
sheet.save(ROOT / "docs/book/src/images/gallery.jpg", quality=88)
