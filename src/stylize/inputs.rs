//! The pictures of a run.

use super::StylizeError;
use crate::files::picture::{Picture, Size};
use ndarray::Array2;

/// How far the aspect of a mask may be off that of its picture.
const ASPECT: f64 = 0.02;

/// Pixels along the edges of a style picture that are not looked at where the network takes it for a torus.
const SEAM: usize = 32;

/// What a run is made from: a photograph, paintings, or both.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// What to paint; none for a texture, which has style alone.
    pub content: Option<Picture>,
    /// How to paint; none for a reconstruction, which has content alone.
    pub styles: Vec<Style>,
}

/// A painting, and where it counts.
#[derive(Clone, Debug)]
pub struct Style {
    /// The painting.
    pub picture: Picture,
    /// What of it is looked at: the white of this picture, which has its aspect; all of it if there is none.
    pub seen: Option<Picture>,
    /// Where the picture is painted in this style.
    pub painted: Painted,
}

/// Where in the picture something is painted.
#[derive(Clone, Debug)]
pub enum Painted {
    /// Wherever, together with all other styles.
    Everywhere,
    /// Where this picture is white: it has the aspect of the photograph.
    Mask(Picture),
    /// Where the masks of all other styles are black.
    Rest,
}

impl Inputs {
    /// A photograph and a painting.
    pub fn pair(content: Picture, style: Picture) -> Self {
        Self {
            content: Some(content),
            styles: vec![Style::new(style)],
        }
    }

    /// The picture whose aspect the painted one has: the photograph, or else the first painting.
    pub(super) fn leading(&self) -> Option<&Picture> {
        let style = self.styles.first().map(|style| &style.picture);
        self.content.as_ref().or(style)
    }

    /// Refuses pictures that do not go together.
    pub(super) fn check(&self) -> Result<(), StylizeError> {
        let refuse = |trouble: String| Err(StylizeError::Settings(trouble));
        let Some(leading) = self.leading() else {
            return refuse("there is neither a photograph nor a painting".to_owned());
        };
        let everywhere = (self.styles.iter())
            .filter(|style| matches!(style.painted, Painted::Everywhere))
            .count();
        if everywhere > 0 && everywhere < self.styles.len() {
            return refuse(
                "either every style has a mask that says where it is painted, or none".to_owned(),
            );
        }
        let rest = (self.styles.iter())
            .filter(|style| matches!(style.painted, Painted::Rest))
            .count();
        if rest > 1 {
            return refuse("only one style can have the rest".to_owned());
        }
        for (number, style) in (1..).zip(&self.styles) {
            if let Painted::Mask(mask) = &style.painted {
                check_aspect(
                    &format!("the mask for style {number}"),
                    mask,
                    "painted picture",
                    leading,
                )?;
            }
            if let Some(mask) = &style.seen {
                check_aspect(
                    &format!("the mask of style {number}"),
                    mask,
                    "style picture",
                    &style.picture,
                )?;
            }
        }
        Ok(())
    }
}

impl Style {
    /// A painting that is looked at as a whole and painted everywhere.
    pub fn new(picture: Picture) -> Self {
        Self {
            picture,
            seen: None,
            painted: Painted::Everywhere,
        }
    }

    /// The same without its edge: of each side, this share on both ends.
    pub(super) fn trimmed(&self, margin: f64) -> Self {
        Self {
            picture: self.picture.trimmed(margin),
            seen: self.seen.as_ref().map(|mask| mask.trimmed(margin)),
            painted: self.painted.clone(),
        }
    }
}

/// How much each pixel of a style picture of this size is looked at, 0 to 1; none for all of them alike.
///
/// Where the network takes it for a torus, not those near its edges: they are no neighbours of the opposite ones, and the hard line
/// between would be taken for style.
pub(super) fn seen(mask: Option<&Picture>, size: Size, seamless: bool) -> Option<Array2<f32>> {
    let drawn = mask.map(|mask| mask.fit(size).to_mask());
    if !seamless {
        return drawn;
    }
    let shape = (size.height as usize, size.width as usize);
    let mut seen = drawn.unwrap_or_else(|| Array2::ones(shape));
    let inside = |at: usize, edge: usize| {
        let margin = SEAM.min(edge / 6);
        (margin..edge - margin).contains(&at)
    };
    for ((i, j), seen) in seen.indexed_iter_mut() {
        if !(inside(i, shape.0) && inside(j, shape.1)) {
            *seen = 0.0;
        }
    }
    Some(seen)
}

/// Refuses a mask that would be cropped otherwise than its picture.
fn check_aspect(what: &str, mask: &Picture, which: &str, of: &Picture) -> Result<(), StylizeError> {
    let aspect = |size: Size| f64::from(size.width) / f64::from(size.height);
    let ratio = aspect(mask.size()) / aspect(of.size());
    if (ratio - 1.0).abs() <= ASPECT {
        return Ok(());
    }
    Err(StylizeError::Settings(format!(
        "{what} is {}, the {which} {}: they must have one aspect",
        mask.size(),
        of.size()
    )))
}

#[cfg(test)]
impl Inputs {
    /// Two pictures of no interest.
    pub fn grey() -> Self {
        let grey = Picture::from_array(&ndarray::Array3::zeros((3, 3, 3)));
        Self::pair(grey.clone(), grey)
    }
}
