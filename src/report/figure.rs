//! A figure for a book: rows of pictures under the titles of their columns, on white.

use crate::files::picture::{Picture, Size};
use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use image::imageops::{replace, rotate270};
use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};

/// DejaVu Sans, of which the licence lies beside it.
const FONT: &[u8] = include_bytes!("font/DejaVuSans.ttf");

/// Letters are so high, beside the width of a column.
const LETTERS: f32 = 1.0 / 13.0;

/// The smallest letters that can be read, in pixels.
const SMALLEST: f32 = 12.0;

/// Rows of pictures, all with as many columns.
pub struct Figure {
    /// What is written above each column.
    pub columns: Vec<String>,
    /// From the top down.
    pub rows: Vec<Row>,
}

/// One row.
pub struct Row {
    /// What is written upwards beside it, in lines.
    pub title: Vec<String>,
    /// The size of its pictures.
    pub size: Size,
    /// Its pictures; the place of one that is missing stays white.
    pub pictures: Vec<Option<Picture>>,
}

/// Where things are, in pixels.
struct Layout {
    /// The height of a line.
    letters: f32,
    /// Around the figure.
    margin: u32,
    /// Between pictures.
    gap: u32,
    /// The left and the upper end of the pictures.
    left: u32,
    top: u32,
    /// The width of a column.
    column: u32,
}

impl Figure {
    fn layout(&self) -> Layout {
        let column = (self.rows.iter().map(|row| row.size.width).max()).unwrap_or(1);
        let letters = (column as f32 * LETTERS).max(SMALLEST);
        let margin = letters.ceil() as u32;
        let lines = (self.rows.iter().map(|row| row.title.len()).max()).unwrap_or(0) as u32;
        Layout {
            letters,
            margin,
            gap: margin / 2,
            left: margin + lines * line_height(letters) + margin / 2,
            top: margin + line_height(letters) + margin / 2,
            column,
        }
    }

    /// The size of the figure.
    pub fn size(&self) -> Size {
        let layout = self.layout();
        let columns = self.columns.len() as u32;
        let heights: u32 = (self.rows.iter())
            .map(|row| row.size.height + layout.gap)
            .sum();
        Size {
            width: layout.left + columns * (layout.column + layout.gap) - layout.gap
                + layout.margin,
            height: layout.top + heights - layout.gap + layout.margin,
        }
    }

    /// The figure as a picture.
    pub fn draw(&self) -> Picture {
        let (layout, size) = (self.layout(), self.size());
        let mut canvas = RgbImage::from_pixel(size.width, size.height, Rgb([255; 3]));
        let mut place = |image: &RgbImage, x: u32, y: u32| {
            replace(&mut canvas, image, x.into(), y.into());
        };
        let column_at = |number: usize| layout.left + number as u32 * (layout.column + layout.gap);
        for (number, title) in self.columns.iter().enumerate() {
            let title = text(title, layout.letters, layout.column);
            let x = column_at(number) + (layout.column - title.width()) / 2;
            place(&in_colour(title), x, layout.margin);
        }
        let mut top = layout.top;
        for row in &self.rows {
            for (number, line) in row.title.iter().enumerate() {
                let line = rotate270(&text(line, layout.letters, row.size.height));
                let x = layout.margin + number as u32 * line_height(layout.letters);
                let y = top + (row.size.height - line.height()) / 2;
                place(&in_colour(line), x, y);
            }
            for (number, picture) in row.pictures.iter().enumerate() {
                if let Some(picture) = picture {
                    let x = column_at(number) + (layout.column - row.size.width) / 2;
                    place(picture.image(), x, top);
                }
            }
            top += row.size.height + layout.gap;
        }
        Picture::from(canvas)
    }
}

fn font() -> FontRef<'static> {
    FontRef::try_from_slice(FONT).expect("a font that is built in")
}

/// The height of a line of such letters.
fn line_height(letters: f32) -> u32 {
    font().as_scaled(letters).height().ceil() as u32
}

/// A line in black on white, as wide as it is and as high as a line; in smaller letters if it would be wider than `widest`.
fn text(line: &str, letters: f32, widest: u32) -> GrayImage {
    let font = font();
    let width = |letters: f32| {
        let font = font.as_scaled(letters);
        let widths = line
            .chars()
            .map(|letter| font.h_advance(font.glyph_id(letter)));
        widths.sum::<f32>()
    };
    let scale = letters * (widest as f32 / width(letters)).min(1.0);
    let scaled = font.as_scaled(scale);
    let size = (width(scale).ceil() as u32, line_height(letters));
    let mut image = GrayImage::from_pixel(size.0.clamp(1, widest), size.1, Luma([255]));
    let mut pen = point(0.0, scaled.ascent());
    for letter in line.chars() {
        let id = font.glyph_id(letter);
        let glyph = id.with_scale_and_position(PxScale::from(scale), pen);
        pen.x += scaled.h_advance(id);
        let Some(outline) = font.outline_glyph(glyph) else {
            continue; // a space
        };
        let corner = outline.px_bounds().min;
        outline.draw(|x, y, ink| {
            let at = (
                corner.x as i64 + i64::from(x),
                corner.y as i64 + i64::from(y),
            );
            let pixel = (u32::try_from(at.0).ok().zip(u32::try_from(at.1).ok()))
                .and_then(|(x, y)| image.get_pixel_mut_checked(x, y));
            if let Some(Luma([shade])) = pixel {
                *shade = shade.saturating_sub((255.0 * ink).round() as u8);
            }
        });
    }
    image
}

fn in_colour(text: GrayImage) -> RgbImage {
    DynamicImage::ImageLuma8(text).into_rgb8()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgb<u8> = Rgb([200, 30, 30]);

    fn figure(width: u32, height: u32) -> Figure {
        let picture = Picture::from(RgbImage::from_pixel(width, height, RED));
        Figure {
            columns: vec!["conv1_1".to_owned(), "a title too long for it".to_owned()],
            rows: vec![Row {
                title: vec!["up to here".to_owned()],
                size: picture.size(),
                pictures: vec![Some(picture), None],
            }],
        }
    }

    /// How many pixels from (x, y) on are as `is` says.
    fn count(
        image: &RgbImage,
        [x, y, width, height]: [u32; 4],
        is: impl Fn(Rgb<u8>) -> bool,
    ) -> usize {
        let pixels = (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y)));
        pixels.filter(|&(x, y)| is(*image.get_pixel(x, y))).count()
    }

    #[test]
    fn a_figure_has_its_pictures_and_its_titles_where_they_belong() {
        for (width, height) in [(100, 60), (30, 90), (256, 4)] {
            let figure = figure(width, height);
            let (layout, drawn) = (figure.layout(), figure.draw());
            assert_eq!(drawn.size(), figure.size());
            let image = drawn.image();
            let Layout {
                left,
                top,
                margin,
                gap,
                ..
            } = layout;
            let ink = |pixel: Rgb<u8>| pixel.0 == [pixel.0[0]; 3] && pixel.0[0] < 250;
            for column in [left, left + width + gap] {
                assert!(count(image, [column, margin, width, top - margin], ink) > 10);
            }
            let area = (width * height) as usize;
            assert_eq!(count(image, [left, top, width, height], |p| p == RED), area);
            let all = [0, 0, image.width(), image.height()];
            assert_eq!(count(image, all, |p| p == RED), area);
            // Written upwards, all of it beside its row.
            let beside = count(image, [0, top, left, height], ink);
            assert_eq!(beside, count(image, [0, 0, left, image.height()], ink));
            assert!(beside > 0 || height < 10);
            // The margin is white, and so is what is missing.
            let white = |p: Rgb<u8>| p == Rgb([255; 3]);
            let missing = [left + width + gap, top, width, height];
            assert_eq!(count(image, missing, white), area);
            assert_eq!(
                count(image, [0, 0, image.width(), margin], white),
                (image.width() * margin) as usize
            );
        }
    }

    #[test]
    fn every_letter_of_the_titles_has_a_shape() {
        let font = font();
        for letter in (' '..='~').chain(['–', '…']) {
            assert!(font.glyph_id(letter).0 != 0, "{letter:?}");
        }
        assert!(text("conv1_1", 18.0, 500).width() > text("conv1", 18.0, 500).width());
        assert!(text("conv1_1", 18.0, 20).width() <= 20);
    }
}
