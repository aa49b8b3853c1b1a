//! Whose colours the painted picture has.

use crate::files::picture::{FloatPicture, Picture};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Whose colours the painted picture has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colours {
    /// The painting's: what its style is made of.
    #[serde(rename = "off")]
    Painting,
    /// The photograph's mean and covariance, which the painting gets before the run.
    Match,
    /// The photograph's own at each pixel: only luminance is painted.
    Luminance,
}

impl Colours {
    /// The photograph as the network is to see it.
    pub(super) fn content(self, content: &Picture) -> Cow<'_, Picture> {
        match self {
            Self::Painting | Self::Match => Cow::Borrowed(content),
            Self::Luminance => Cow::Owned(content.luminance()),
        }
    }

    /// A painting as the network is to see it, beside the photograph as it sees that.
    pub(super) fn style<'a>(
        self,
        style: &'a Picture,
        content: Option<&Picture>,
    ) -> Cow<'a, Picture> {
        match (self, content) {
            (Self::Painting, _) | (_, None) => Cow::Borrowed(style),
            (Self::Match, Some(content)) => Cow::Owned(style.with_colors_of(content)),
            // Grey is a colour, too: its mean and its spread are the photograph's.
            (Self::Luminance, Some(content)) => {
                Cow::Owned(style.luminance().with_colors_of(content))
            }
        }
    }

    /// The painted picture, in its colours. `content` is the photograph, of the same size.
    pub(super) fn finish(self, painted: FloatPicture, content: Option<&Picture>) -> FloatPicture {
        match (self, content) {
            (Self::Luminance, Some(content)) => painted.with_chrominance_of(content),
            _ => painted,
        }
    }
}
