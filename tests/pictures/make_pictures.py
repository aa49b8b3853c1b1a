"""Make the picture files in this folder: one small picture in each of the formats of a photograph.

    python3 -m venv .venv && .venv/bin/pip install pillow
    .venv/bin/python make_pictures.py

Each picture is 48 x 32 and has four quadrants: red, green, blue and white. The gray pictures have the levels 0, 85, 170
and 255. If a file has transparency, the white quadrant is transparent black. The reader must place it on white.
"""
import pathlib

from PIL import Image

here = pathlib.Path(__file__).parent
RGB = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
GRAY = [0, 85, 170, 255]
# EXIF orientation: how the upright picture was transformed before it was stored. The reader must undo it.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quadrants(mode, colors):
    picture = Image.new(mode, (48, 32))
    for color, corner in zip(colors, [(0, 0), (24, 0), (0, 16), (24, 16)]):
        picture.paste(color, (*corner, corner[0] + 24, corner[1] + 16))
    return picture


def save(name, picture, **options):
    picture.save(here / name, **options)


rgb = quadrants("RGB", RGB)
rgba = quadrants("RGBA", [(*c, 255) for c in RGB[:3]] + [(0, 0, 0, 0)])
gray = quadrants("L", GRAY)

save("rgb.jpg", rgb, quality=95, subsampling=0)
save("rgb_progressive.jpg", rgb, quality=95, subsampling=0, progressive=True)
save("rgb_cmyk.jpg", rgb.convert("CMYK"), quality=95)
save("rgb_cmyk.tif", rgb.convert("CMYK"))
save("rgb.bmp", rgb)
save("rgb.gif", rgb)
save("rgb.png", rgb)
save("rgb.ppm", rgb)
save("rgb.tga", rgb)
save("rgb.tif", rgb, compression="tiff_lzw")
save("rgb.webp", rgb, lossless=True)
save("rgb_palette.png", rgb.convert("P", palette=Image.Palette.ADAPTIVE, colors=4))
save("rgb_alpha.png", rgba)
save("rgb_alpha.webp", rgba, lossless=True)
save("rgb_alpha_palette.png", rgba.quantize(8))
for orientation, transpose in STORED.items():
    exif = Image.Exif()
    exif[0x0112] = orientation
    save(f"rgb_orientation_{orientation}.jpg", rgb.transpose(transpose), quality=95, subsampling=0, exif=exif)
save("gray.jpg", gray, quality=95)
save("gray.png", gray)
save("gray_2_bits.png", gray.quantize(4), bits=2)
save("gray_16_bits.png", quadrants("I;16", [257 * g for g in GRAY]))
save("gray_alpha.png", quadrants("LA", [(g, 255) for g in GRAY[:3]] + [(0, 0)]))
