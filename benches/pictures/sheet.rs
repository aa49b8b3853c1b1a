//! A sheet of all pictures: a row for each pair; the photograph, the painting, and a column for each method.

use super::Result;
use super::methods::Method;
use super::painting::Painted;
use super::pairs::Pair;
use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, replace};
use image::{Rgb, RgbImage};
use std::path::Path;

const FONT: &[u8] = include_bytes!("../../src/cli/explain/font/DejaVuSans.ttf");

/// The largest file, in bytes.
const MAX_BYTES: usize = 1_200_000;

/// The width and height of the place of a picture, the height of a line of text and the distance of places, in pixels.
const PLACE: (u32, u32) = (300, 225);
const LINE: u32 = 18;
const GAP: u32 = 6;

/// Draws the sheet and writes it as a JPEG, with the highest quality at which it is small enough.
pub fn write(painted: &[Painted], pairs: &[Pair], methods: &[Method], path: &Path) -> Result<()> {
    let columns = 2 + methods.len() as u32;
    let (step_x, step_y) = (PLACE.0 + GAP, PLACE.1 + LINE + GAP);
    let size = (columns * step_x + GAP, pairs.len() as u32 * step_y + GAP);
    let mut sheet = RgbImage::from_pixel(size.0, size.1, Rgb([255; 3]));
    for (row, pair) in (0..).zip(pairs) {
        let file = |method: &Method| {
            let of = |p: &&Painted| p.pair == pair.name && p.method == method.name;
            let label = format!("{} {}", pair.name, method.name);
            (painted.iter().find(of)).map(|p| (p.picture.as_path(), label))
        };
        let inputs = [&pair.content, &pair.style].map(|file| {
            let label = file.file_stem().unwrap_or_default().to_string_lossy();
            Some((file.as_path(), label.into_owned()))
        });
        let all = inputs.into_iter().chain(methods.iter().map(file));
        for (column, cell) in (0..).zip(all) {
            if let Some((file, label)) = cell {
                let at = (GAP + column * step_x, GAP + row * step_y);
                place(&mut sheet, &image::open(file)?.into_rgb8(), &label, at);
            }
        }
    }
    Ok(std::fs::write(path, encoded(sheet)?)?)
}

/// The sheet as a JPEG that is small enough: of less quality, then of smaller size.
fn encoded(mut sheet: RgbImage) -> Result<Vec<u8>> {
    loop {
        for quality in [88, 80, 72, 64] {
            let mut bytes = Vec::new();
            JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&sheet)?;
            if bytes.len() <= MAX_BYTES {
                return Ok(bytes);
            }
        }
        let smaller = |edge: u32| edge * 9 / 10;
        let (width, height) = (smaller(sheet.width()), smaller(sheet.height()));
        sheet = image::imageops::resize(&sheet, width, height, FilterType::CatmullRom);
    }
}

/// Draws a picture into its place, as large as fits, with its label above.
fn place(sheet: &mut RgbImage, picture: &RgbImage, label: &str, (x, y): (u32, u32)) {
    write_text(sheet, label, (x, y));
    let (width, height) = picture.dimensions();
    let factor =
        (f64::from(PLACE.0) / f64::from(width)).min(f64::from(PLACE.1) / f64::from(height));
    let edge = |edge: u32| ((f64::from(edge) * factor).round() as u32).max(1);
    let small = image::imageops::resize(picture, edge(width), edge(height), FilterType::Lanczos3);
    let left = x + (PLACE.0 - small.width().min(PLACE.0)) / 2;
    replace(sheet, &small, left.into(), (y + LINE).into());
}

/// Writes a label in black. What does not fit into the width of a place is cut off.
fn write_text(sheet: &mut RgbImage, label: &str, (x, y): (u32, u32)) {
    let font = FontRef::try_from_slice(FONT).expect("the font is valid");
    let scale = PxScale::from(LINE as f32 * 0.85);
    let scaled = font.as_scaled(scale);
    let mut pen = point(x as f32, y as f32 + scaled.ascent());
    for character in label.chars() {
        let id = font.glyph_id(character);
        let glyph = id.with_scale_and_position(scale, pen);
        pen.x += scaled.h_advance(id);
        let Some(outline) = font.outline_glyph(glyph) else {
            continue;
        };
        let bounds = outline.px_bounds();
        if bounds.max.x > (x + PLACE.0) as f32 {
            break;
        }
        outline.draw(|dx, dy, coverage| {
            let at = (bounds.min.x as u32 + dx, bounds.min.y as u32 + dy);
            if let Some(pixel) = sheet.get_pixel_mut_checked(at.0, at.1) {
                let gray = (255.0 * (1.0 - coverage)) as u8;
                *pixel = Rgb(pixel.0.map(|v| v.min(gray)));
            }
        });
    }
}
