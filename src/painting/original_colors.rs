//! How [`OriginalColors`] changes the pictures before a run and after it.

use super::settings::OriginalColors;
use crate::files::picture::{FloatPicture, Picture};
use std::borrow::Cow;

impl OriginalColors {
    /// The photograph as the network is to see it.
    pub(super) fn content(self, content: &Picture) -> Cow<'_, Picture> {
        match self {
            Self::Off | Self::Match | Self::Palette => Cow::Borrowed(content),
            Self::Luminance => Cow::Owned(content.luminance()),
        }
    }

    /// A painting as the network is to see it. `content` is the photograph as the network sees it.
    pub(super) fn style(self, style: Picture, content: Option<&Picture>) -> Picture {
        match (self, content) {
            (Self::Off | Self::Palette, _) | (_, None) => style,
            (Self::Match, Some(content)) => style.with_colors_of(content),
            // Mean and spread of the gray values are matched too.
            (Self::Luminance, Some(content)) => style.luminance().with_colors_of(content),
        }
    }

    /// The painted picture with its final colors. `content` is the photograph, of the same size.
    pub(super) fn finish(
        self,
        painted: FloatPicture,
        content: Option<&Picture>,
        paintings: &[Picture],
    ) -> FloatPicture {
        match (self, content) {
            (Self::Luminance, Some(content)) => painted.with_chrominance_of(content),
            (Self::Palette, Some(content)) => {
                let paintings: Vec<_> = paintings.iter().collect();
                painted.with_painting_colors(content, &paintings)
            }
            _ => painted,
        }
    }
}
