//! Builds what a run needs, as its plan says: the pictures at each size as arrays.

use super::inputs::{StageRegion, check_masks, region_masks, style_mask};
use super::pictures::Pictures;
use super::plan::{Plan, StagePlan};
use super::settings::InvalidSetting;
use super::{Parametrization, Settings, border};
use crate::files::picture::{Picture, Size};
use crate::objective::{Region, Style};
use ndarray::Array3;

/// One size of a run.
pub(super) struct Stage {
    /// Without the border. All arrays of the painted picture's size have the border.
    pub size: Size,
    /// The photograph.
    pub content: Option<Array3<f32>>,
    pub regions: Vec<StageRegion>,
    pub iterations: usize,
    /// Whether the method nearest matches each layer by itself.
    pub split: bool,
    /// What the optimizer changes at this size.
    pub parametrization: Parametrization,
    /// The sizes that the style pictures are fitted to.
    pub style_sizes: Vec<Size>,
}

/// The stages that are planned.
///
/// # Errors
/// If masks hide a whole style.
pub(super) fn stages(
    plan: &Plan,
    pictures: &Pictures,
    settings: &Settings,
) -> Result<Vec<Stage>, InvalidSetting> {
    let stages = plan.stages.iter();
    let stages: Vec<_> = stages
        .map(|stage| build(stage, plan.border, pictures, settings))
        .collect();
    if let Some(finest) = stages.last() {
        check_masks(&finest.regions)?;
    }
    Ok(stages)
}

fn build(plan: &StagePlan, border: usize, pictures: &Pictures, settings: &Settings) -> Stage {
    let content = (pictures.content.as_ref())
        .map(|content| border::mirrored(&content.fit(plan.size).to_array(), border));
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
    Stage {
        size: plan.size,
        content,
        regions,
        iterations: plan.iterations,
        split: plan.split,
        parametrization: Parametrization::new(
            settings.parameters,
            border::around(plan.size, border),
        ),
        style_sizes: plan.style_sizes.clone(),
    }
}
