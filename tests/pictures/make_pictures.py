"""Make the picture files beside this script: one small picture in every guise that a photograph may come in.

    python3 -m venv .venv && .venv/bin/pip install pillow
    .venv/bin/python make_pictures.py

Each is 48 x 32 and shows four quadrants: red, green, blue and white; the grey ones 0, 85, 170 and 255. Where a file has
transparency, its white quadrant is transparent black, to be laid on white.
"""
import pathlib

from PIL import Image

here = pathlib.Path(__file__).parent
RGB = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
GREY = [0, 85, 170, 255]
# EXIF orientation: what was done to the upright picture, to be undone by the reader.
STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def quadrants(mode, colours):
    picture = Image.new(mode, (48, 32))
    for colour, corner in zip(colours, [(0, 0), (24, 0), (0, 16), (24, 16)]):
        picture.paste(colour, (*corner, corner[0] + 24, corner[1] + 16))
    return picture


def save(name, picture, **options):
    picture.save(here / name, **options)


rgb = quadrants("RGB", RGB)
rgba = quadrants("RGBA", [(*c, 255) for c in RGB[:3]] + [(0, 0, 0, 0)])
grey = quadrants("L", GREY)

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
save("grey.jpg", grey, quality=95)
save("grey.png", grey)
save("grey_2_bits.png", grey.quantize(4), bits=2)
save("grey_16_bits.png", quadrants("I;16", [257 * g for g in GREY]))
save("grey_alpha.png", quadrants("LA", [(g, 255) for g in GREY[:3]] + [(0, 0)]))
