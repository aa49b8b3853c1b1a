//! Whose colours the painted picture has.

use crate::picture::{Canvas, Picture};
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
    /// Content and style as the network is to see them.
    pub(super) fn prepare<'a>(
        self,
        content: &'a Picture,
        style: &'a Picture,
    ) -> (Cow<'a, Picture>, Cow<'a, Picture>) {
        match self {
            Self::Painting => (Cow::Borrowed(content), Cow::Borrowed(style)),
            Self::Match => (
                Cow::Borrowed(content),
                Cow::Owned(style.in_colours_of(content)),
            ),
            Self::Luminance => {
                let content = content.luminance();
                // Grey is a colour, too: its mean and its spread are the photograph's.
                let style = style.luminance().in_colours_of(&content);
                (Cow::Owned(content), Cow::Owned(style))
            }
        }
    }

    /// The painted picture, in its colours. `content` is the photograph, of the same size.
    pub(super) fn finish(self, painted: Canvas, content: &Picture) -> Canvas {
        match self {
            Self::Painting | Self::Match => painted,
            Self::Luminance => painted.with_chrominance_of(content),
        }
    }
}
