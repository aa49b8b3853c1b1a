//! Builds what a size of a run needs, as its plan says: the pictures of that size as arrays.

use super::inputs::{region_masks, style_mask};
use super::pictures::Pictures;
use super::plan::StagePlan;
use super::{Settings, border};
use crate::files::picture::{Picture, Size};
use crate::method::BigArray;
use crate::method::big_array::{Band, Interval, Storage};
use crate::objective::{Region, Style};
use ndarray::{Array2, Array3};
use std::borrow::Cow;

/// The photograph and the paintings at one size of a run, as `P`. They exist only while the objective of that size is made.
pub(super) struct StagePictures<P> {
    /// The photograph, with the border.
    pub content: Option<P>,
    /// Their masks have the border too. If a part of the photograph is protected, the last region is that part, and has no styles.
    pub regions: Vec<Region<P, Array2<f32>>>,
}

/// These rows of a picture that is fitted to a size, with a border around it.
pub(super) fn fitted(
    picture: &Picture,
    size: Size,
    border: usize,
    rows: &Interval,
    storage: &Storage,
) -> BigArray<f32> {
    border::mirrored_picture(&picture.fit_in_blocks(size), border, rows, storage)
}

/// The pictures at this size, in memory.
pub(super) fn in_memory(
    plan: &StagePlan,
    border: usize,
    pictures: &Pictures,
    settings: &Settings,
) -> StagePictures<Array3<f32>> {
    build(plan, border, pictures, settings, |picture, size, border| {
        let rows = 0..border::around(size, border).height as isize;
        fitted(picture, size, border, &rows, &Storage::Memory).into_array()
    })
}

/// The pictures at this size, of each the rows that `read` says for its height and width, kept in this storage.
pub(super) fn stored(
    plan: &StagePlan,
    border: usize,
    pictures: &Pictures,
    settings: &Settings,
    storage: &Storage,
    read: impl Fn((usize, usize)) -> Interval,
) -> StagePictures<Band<'static, f32>> {
    build(plan, border, pictures, settings, |picture, size, border| {
        let (height, width) = border::around(size, border).height_and_width();
        let rows = read((height, width));
        let fitted = fitted(picture, size, border, &rows, storage);
        Band::of(Cow::Owned(fitted), rows.start, height)
    })
}

fn build<P>(
    plan: &StagePlan,
    border: usize,
    pictures: &Pictures,
    settings: &Settings,
    fitted: impl Fn(&Picture, Size, usize) -> P,
) -> StagePictures<P> {
    // The settings count the styles across all regions.
    let mut number = 0;
    let mut style = |style: &Style<Picture, Picture>| {
        let size = plan.style_sizes[number];
        let share = style.share * settings.style_blend.of(number);
        number += 1;
        (share > 0.0).then(|| Style {
            picture: fitted(&style.picture, size, 0),
            mask: style_mask(style.mask.as_ref(), size, settings.seamless),
            share,
        })
    };
    let protected = (pictures.protected.as_ref()).map(|protected| protected.fit(plan.size));
    let masks = region_masks(&pictures.regions, protected.as_ref(), plan.size);
    let mut regions: Vec<_> = (pictures.regions.iter().zip(masks))
        .map(|(region, mask)| Region {
            styles: region.styles.iter().filter_map(&mut style).collect(),
            mask: mask.map(|mask| border::mirrored(&mask, border)),
        })
        .collect();
    // It belongs to the area, so that what is painted gets as much style as in a picture that is painted wholly.
    regions.extend(protected.map(|protected| Region {
        styles: Vec::new(),
        mask: Some(border::mirrored(&protected.weights(), border)),
    }));
    let content = pictures.content.as_ref();
    StagePictures {
        content: content.map(|content| fitted(content, plan.size, border)),
        regions,
    }
}
