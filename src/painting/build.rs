//! Builds what a size of a run needs, as its plan says: the pictures of that size as arrays.

use super::inputs::{StageRegion, region_masks, style_mask};
use super::pictures::Pictures;
use super::plan::StagePlan;
use super::{Settings, border};
use crate::files::picture::Picture;
use crate::objective::{Region, Style};
use ndarray::Array3;

/// The photograph and the paintings at one size of a run. They exist only while the objective of that size is made.
pub(super) struct StagePictures {
    /// The photograph, with the border.
    pub content: Option<Array3<f32>>,
    /// Their masks have the border too.
    pub regions: Vec<StageRegion>,
}

/// The photograph at this size, with its border.
pub(super) fn content(plan: &StagePlan, border: usize, pictures: &Pictures) -> Option<Array3<f32>> {
    let content = pictures.content.as_ref()?;
    Some(border::mirrored(&content.fit(plan.size).to_array(), border))
}

/// The pictures at this size.
pub(super) fn stage_pictures(
    plan: &StagePlan,
    border: usize,
    pictures: &Pictures,
    settings: &Settings,
) -> StagePictures {
    // The settings count the styles across all regions.
    let mut number = 0;
    let mut style = |style: &Style<Picture, Picture>| {
        let size = plan.style_sizes[number];
        let share = style.share * settings.style_blend.of(number);
        number += 1;
        Style {
            picture: style.picture.fit(size).to_array(),
            mask: style_mask(style.mask.as_ref(), size, settings.seamless),
            share,
        }
    };
    let masks = region_masks(&pictures.regions, plan.size);
    let regions = (pictures.regions.iter().zip(masks))
        .map(|(region, mask)| {
            let styles = region.styles.iter().map(&mut style);
            Region {
                styles: styles.filter(|style| style.share > 0.0).collect(),
                mask: mask.map(|mask| border::mirrored(&mask, border)),
            }
        })
        .collect();
    StagePictures {
        content: content(plan, border, pictures),
        regions,
    }
}
