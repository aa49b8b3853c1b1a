//! Draws a figure: rows of pictures with titles for the columns and the rows, on white.

use crate::files::picture::{Picture, Size};
use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use image::imageops::{replace, rotate270};
use image::{DynamicImage, GrayImage, Luma, Rgb, RgbImage};

/// DejaVu Sans. Its license is in the same folder.
const FONT: &[u8] = include_bytes!("font/DejaVuSans.ttf");

/// The font size relative to the width of a column.
const RELATIVE_FONT_SIZE: f32 = 1.0 / 13.0;

/// The smallest legible font size, in pixels.
const MIN_FONT_SIZE: f32 = 12.0;

/// Rows of pictures. Each row has the same number of columns.
pub struct Figure {
    /// The titles above the columns.
    pub columns: Vec<String>,
    /// The rows, from top to bottom.
    pub rows: Vec<Row>,
}

/// One row of a [`Figure`].
pub struct Row {
    /// The lines of the title on the left. They are rotated by 90°, to be read upwards.
    pub title: Vec<String>,
    /// The size of each picture in this row.
    pub size: Size,
    /// One picture per column. The place of a missing picture stays white.
    pub pictures: Vec<Option<Picture>>,
}

/// Distances and positions in pixels.
struct Layout {
    /// The font size of all titles.
    font_size: f32,
    /// The white border around the figure.
    margin: u32,
    /// The distance between two pictures.
    gap: u32,
    /// The left edge of the first column.
    left: u32,
    /// The top edge of the first row.
    top: u32,
    /// The width of a column.
    column: u32,
}

impl Figure {
    fn layout(&self) -> Layout {
        let column = (self.rows.iter().map(|row| row.size.width).max()).unwrap_or(1);
        let font_size = (column as f32 * RELATIVE_FONT_SIZE).max(MIN_FONT_SIZE);
        let margin = font_size.ceil() as u32;
        let lines = (self.rows.iter().map(|row| row.title.len()).max()).unwrap_or(0) as u32;
        Layout {
            font_size,
            margin,
            gap: margin / 2,
            left: margin + lines * line_height(font_size) + margin / 2,
            top: margin + line_height(font_size) + margin / 2,
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

    /// Draws the figure.
    pub fn draw(&self) -> Picture {
        let (layout, size) = (self.layout(), self.size());
        let mut figure = RgbImage::from_pixel(size.width, size.height, Rgb([255; 3]));
        let mut place = |image: &RgbImage, x: u32, y: u32| {
            replace(&mut figure, image, x.into(), y.into());
        };
        let column_at = |number: usize| layout.left + number as u32 * (layout.column + layout.gap);
        for (number, title) in self.columns.iter().enumerate() {
            let title = text(title, layout.font_size, layout.column);
            let x = column_at(number) + (layout.column - title.width()) / 2;
            place(&to_rgb(title), x, layout.margin);
        }
        let mut top = layout.top;
        for row in &self.rows {
            for (number, line) in row.title.iter().enumerate() {
                let line = rotate270(&text(line, layout.font_size, row.size.height));
                let x = layout.margin + number as u32 * line_height(layout.font_size);
                let y = top + (row.size.height - line.height()) / 2;
                place(&to_rgb(line), x, y);
            }
            for (number, picture) in row.pictures.iter().enumerate() {
                if let Some(picture) = picture {
                    let x = column_at(number) + (layout.column - row.size.width) / 2;
                    place(picture.image(), x, top);
                }
            }
            top += row.size.height + layout.gap;
        }
        Picture::from(figure)
    }
}

fn font() -> FontRef<'static> {
    FontRef::try_from_slice(FONT).expect("the embedded font is valid")
}

/// The height of a line in pixels.
fn line_height(font_size: f32) -> u32 {
    font().as_scaled(font_size).height().ceil() as u32
}

/// Draws a line in black on white. The font is smaller than `font_size` if the line would be wider than `max_width`.
fn text(line: &str, font_size: f32, max_width: u32) -> GrayImage {
    let font = font();
    let width = |font_size: f32| {
        let font = font.as_scaled(font_size);
        let widths = line
            .chars()
            .map(|character| font.h_advance(font.glyph_id(character)));
        widths.sum::<f32>()
    };
    let scale = font_size * (max_width as f32 / width(font_size)).min(1.0);
    let scaled = font.as_scaled(scale);
    let size = (width(scale).ceil() as u32, line_height(font_size));
    let mut image = GrayImage::from_pixel(size.0.clamp(1, max_width), size.1, Luma([255]));
    let mut pen = point(0.0, scaled.ascent());
    for character in line.chars() {
        let id = font.glyph_id(character);
        let glyph = id.with_scale_and_position(PxScale::from(scale), pen);
        pen.x += scaled.h_advance(id);
        let Some(outline) = font.outline_glyph(glyph) else {
            continue; // a space has no outline
        };
        let corner = outline.px_bounds().min;
        outline.draw(|x, y, coverage| {
            let at = (
                corner.x as i64 + i64::from(x),
                corner.y as i64 + i64::from(y),
            );
            let pixel = (u32::try_from(at.0).ok().zip(u32::try_from(at.1).ok()))
                .and_then(|(x, y)| image.get_pixel_mut_checked(x, y));
            if let Some(Luma([level])) = pixel {
                *level = level.saturating_sub((255.0 * coverage).round() as u8);
            }
        });
    }
    image
}

fn to_rgb(text: GrayImage) -> RgbImage {
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

    /// Counts the pixels in a rectangle for which `is` holds.
    fn count(
        image: &RgbImage,
        [x, y, width, height]: [u32; 4],
        is: impl Fn(Rgb<u8>) -> bool,
    ) -> usize {
        let pixels = (y..y + height).flat_map(|y| (x..x + width).map(move |x| (x, y)));
        pixels.filter(|&(x, y)| is(*image.get_pixel(x, y))).count()
    }

    #[test]
    fn pictures_and_titles_are_in_their_places() {
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
            // The row title lies left of its row.
            let beside = count(image, [0, top, left, height], ink);
            assert_eq!(beside, count(image, [0, 0, left, image.height()], ink));
            assert!(beside > 0 || height < 10);
            // The margin and the missing picture are white.
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
    fn the_font_has_every_character_of_the_titles() {
        let font = font();
        for character in (' '..='~').chain(['–', '…']) {
            assert!(font.glyph_id(character).0 != 0, "{character:?}");
        }
        assert!(text("conv1_1", 18.0, 500).width() > text("conv1", 18.0, 500).width());
        assert!(text("conv1_1", 18.0, 20).width() <= 20);
    }
}
