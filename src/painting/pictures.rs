//! The pictures of a run as the network is to see them: without the margins of the paintings, and with their colors adapted.

use super::inputs::{InputRegion, Inputs};
use super::settings::Settings;
use crate::files::picture::{Mask, Picture};
use crate::objective::Style;

/// The pictures of a run as the network is to see them, in their own sizes.
pub(super) struct Pictures {
    pub content: Option<Picture>,
    /// The first picture, if the setting `init` names a file.
    pub initial: Option<Picture>,
    /// Without the margins of the paintings.
    pub regions: Vec<InputRegion>,
    /// What of the photograph stays as it is.
    pub protected: Option<Mask>,
}

impl Pictures {
    pub fn new(inputs: &Inputs, settings: &Settings) -> Self {
        let (colors, margin) = (settings.original_colors, settings.style_margin);
        let content = (inputs.content.as_ref()).map(|content| colors.content(content).into_owned());
        let style = |style: &Style<Picture, Picture>| Style {
            picture: colors.style(style.picture.trimmed(margin), content.as_ref()),
            mask: style.mask.as_ref().map(|mask| mask.trimmed(margin)),
            share: style.share,
        };
        let region = |region: &InputRegion| InputRegion {
            styles: region.styles.iter().map(style).collect(),
            place: region.place.clone(),
        };
        let regions = inputs.regions.iter().map(region).collect();
        Self {
            content,
            initial: inputs.initial.clone(),
            regions,
            protected: inputs.protected.as_ref().map(Mask::of),
        }
    }

    /// The styles of all regions.
    pub fn styles(&self) -> impl Iterator<Item = &Style<Picture, Picture>> {
        self.regions.iter().flat_map(|region| &region.styles)
    }
}
