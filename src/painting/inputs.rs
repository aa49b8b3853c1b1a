//! The pictures of a run.

use super::settings::InvalidSetting;
use crate::files::picture::{Mask, Picture, Size};
use crate::objective::Style;
use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// The most by which the aspect of a mask may differ from that of its picture.
const ASPECT_TOLERANCE: f64 = 0.02;

/// Pixels along each edge of a painting that do not count where the network treats it as a torus.
const SEAM: usize = 32;

/// What a run is made from: a photograph, paintings, or both.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Inputs {
    /// The photograph; `None` for a texture, which has only a style.
    pub content: Option<Picture>,
    /// The parts of the painted picture, each with its styles; none for a reconstruction, which has only content. The numbers in
    /// `style-scale` and `style-blend` belong to the styles of all regions, in this order.
    pub regions: Vec<InputRegion>,
    /// The first picture, if the setting `init` names a file.
    pub initial: Option<Picture>,
    /// What of the photograph stays as it is: where this picture is white. Where it is gray a part stays, and black is painted. It has the
    /// aspect of the photograph.
    pub protected: Option<Picture>,
}

/// A part of the painted picture, and the styles that are blended there. A style's mask has the aspect of its painting.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct InputRegion {
    /// The paintings.
    pub styles: Vec<Style<Picture, Picture>>,
    /// Where in the painted picture.
    pub place: RegionPlace,
}

/// Where in the painted picture a region is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum RegionPlace {
    /// Everywhere: it is the only region.
    Everywhere,
    /// Where this picture is white. It has the aspect of the photograph.
    Mask(Picture),
    /// Where the masks of all other regions are black.
    Rest,
}

impl InputRegion {
    /// A region for each of the `styles`, at these places; or, without places, one that all of them are blended in, everywhere.
    pub fn of_styles(styles: Vec<Style<Picture, Picture>>, places: Vec<RegionPlace>) -> Vec<Self> {
        if places.is_empty() && !styles.is_empty() {
            let place = RegionPlace::Everywhere;
            return vec![Self { styles, place }];
        }
        let regions = styles.into_iter().zip(places).map(|(style, place)| Self {
            styles: vec![style],
            place,
        });
        regions.collect()
    }
}

impl Inputs {
    /// A photograph, to be painted in the style of a painting.
    pub fn pair(content: Picture, painting: Picture) -> Self {
        Self {
            content: Some(content),
            ..Self::style(painting)
        }
    }

    /// A photograph without a style.
    pub fn content(content: Picture) -> Self {
        Self {
            content: Some(content),
            ..Self::default()
        }
    }

    /// The style of a painting without a photograph.
    pub fn style(painting: Picture) -> Self {
        Self {
            regions: vec![InputRegion {
                styles: vec![Style::whole(painting)],
                place: RegionPlace::Everywhere,
            }],
            ..Self::default()
        }
    }

    /// The styles of all regions.
    pub fn styles(&self) -> impl Iterator<Item = &Style<Picture, Picture>> {
        self.regions.iter().flat_map(|region| &region.styles)
    }

    /// The picture whose aspect the painted one has: the photograph, or else the first painting.
    pub(super) fn leading(&self) -> Option<&Picture> {
        let painting = self.styles().next().map(|style| &style.picture);
        self.content.as_ref().or(painting)
    }

    /// Checks that the pictures go together. Returns the [leading](Self::leading) one.
    pub(super) fn check(&self) -> Result<&Picture, InvalidSetting> {
        let refuse = |trouble: &str| Err(InvalidSetting(trouble.to_owned()));
        let Some(leading) = self.leading() else {
            return refuse("there is neither a photograph nor a painting");
        };
        let places = || self.regions.iter().map(|region| &region.place);
        if self.regions.len() > 1 && places().any(|p| matches!(p, RegionPlace::Everywhere)) {
            return refuse("either every style has a mask of where it is painted, or none has");
        }
        if places().filter(|p| matches!(p, RegionPlace::Rest)).count() > 1 {
            return refuse("only one style can have the rest");
        }
        if let Some(mask) = &self.protected {
            check_aspect("the mask of what is protected", mask, "photograph", leading)?;
        }
        let mut number = 0;
        for region in &self.regions {
            if let RegionPlace::Mask(mask) = &region.place {
                let what = format!("the mask for style {}", number + 1);
                check_aspect(&what, mask, "painted picture", leading)?;
            }
            for style in &region.styles {
                number += 1;
                if let Some(mask) = &style.mask {
                    let what = format!("the mask of style {number}");
                    check_aspect(&what, mask, "style picture", &style.picture)?;
                }
            }
        }
        Ok(leading)
    }
}

/// The weight of each pixel of a painting of this size, 0 to 1; `None` if all count alike.
///
/// If the network treats the painting as a torus, the pixels near its edges do not count: the opposite edge is not really next to
/// them, and the hard line in between would be taken for style.
pub(super) fn style_mask(
    mask: Option<&Picture>,
    size: Size,
    seamless: bool,
) -> Option<Array2<f32>> {
    let mask = mask.map(|mask| mask.fit(size).to_mask());
    if !seamless {
        return mask;
    }
    let shape = (size.height as usize, size.width as usize);
    let mut weights = mask.unwrap_or_else(|| Array2::ones(shape));
    let inside = |at: usize, edge: usize| {
        let margin = SEAM.min(edge / 6);
        (margin..edge - margin).contains(&at)
    };
    for ((i, j), weight) in weights.indexed_iter_mut() {
        if !(inside(i, shape.0) && inside(j, shape.1)) {
            *weight = 0.0;
        }
    }
    Some(weights)
}

/// The mask of each region at this size; `None` for a region that is everywhere. What is `protected`, a mask of the same size, is in none.
pub(super) fn region_masks(
    regions: &[InputRegion],
    protected: Option<&Mask>,
    size: Size,
) -> Vec<Option<Array2<f32>>> {
    let drawn = |region: &InputRegion| match &region.place {
        RegionPlace::Mask(mask) => Some(mask.fit(size).to_mask()),
        RegionPlace::Everywhere | RegionPlace::Rest => None,
    };
    let mut masks: Vec<_> = regions.iter().map(drawn).collect();
    let rest = |region: &InputRegion| matches!(region.place, RegionPlace::Rest);
    if let Some(rest) = regions.iter().position(rest) {
        let mut left = Array2::ones((size.height as usize, size.width as usize));
        masks.iter().flatten().for_each(|mask| left -= mask);
        masks[rest] = Some(left.mapv(|share| share.max(0.0)));
    }
    if let Some(protected) = protected {
        let painted = protected.left();
        for mask in &mut masks {
            match mask {
                Some(mask) => *mask *= &painted,
                None => *mask = Some(painted.clone()),
            }
        }
    }
    masks
}

/// Refuses a style that is painted nowhere, and a painting of which nothing counts: they would be ignored silently. The painted picture, and
/// the mask of what is protected, have this size, and the style pictures have these.
pub(super) fn check_masks(
    regions: &[InputRegion],
    protected: Option<&Mask>,
    size: Size,
    style_sizes: &[Size],
    seamless: bool,
) -> Result<(), InvalidSetting> {
    let black = |mask: &Option<Array2<f32>>| {
        (mask.as_ref()).is_some_and(|mask| mask.iter().all(|share| *share == 0.0))
    };
    if protected.is_some_and(Mask::is_white) {
        return Err(InvalidSetting(
            "the mask of what is protected is white: nothing would be painted; make it black where the picture is to be painted"
                .to_owned(),
        ));
    }
    let mut number = 0;
    for (region, mask) in regions.iter().zip(region_masks(regions, protected, size)) {
        if black(&mask) {
            return Err(InvalidSetting(format!(
                "the masks leave style {} no place in the picture; give it one, or leave the style out",
                number + 1
            )));
        }
        for style in &region.styles {
            let masked = style.mask.as_ref();
            number += 1;
            if masked.is_some() && black(&style_mask(masked, style_sizes[number - 1], seamless)) {
                return Err(InvalidSetting(format!(
                    "the mask of style {number} is black: nothing of that style would count"
                )));
            }
        }
    }
    Ok(())
}

/// Refuses a mask that would be cropped differently from its picture.
fn check_aspect(
    what: &str,
    mask: &Picture,
    which: &str,
    of: &Picture,
) -> Result<(), InvalidSetting> {
    let aspect = |size: Size| f64::from(size.width) / f64::from(size.height);
    let ratio = aspect(mask.size()) / aspect(of.size());
    if (ratio - 1.0).abs() <= ASPECT_TOLERANCE {
        return Ok(());
    }
    Err(InvalidSetting(format!(
        "{what} is {}, the {which} {}: they must have the same aspect",
        mask.size(),
        of.size()
    )))
}

#[cfg(test)]
impl Inputs {
    /// Two gray pictures.
    pub fn gray() -> Self {
        let gray = Picture::from_array(&ndarray::Array3::zeros((3, 3, 3)));
        Self::pair(gray.clone(), gray)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array3, array};

    /// A gray picture of one row.
    fn row(levels: [u8; 3]) -> Picture {
        let x = Array3::from_shape_fn((1, 3, 3), |(_, j, c)| {
            f32::from(levels[j]) - crate::vgg::MEAN[c]
        });
        Picture::from_array(&x)
    }

    #[test]
    fn what_is_protected_is_in_no_region() {
        let size = Size {
            width: 3,
            height: 1,
        };
        let protected = Mask::of(&row([255, 51, 0]));
        let masks = |places: Vec<RegionPlace>, protected| {
            let region = |place| InputRegion {
                styles: Vec::new(),
                place,
            };
            let regions: Vec<_> = places.into_iter().map(region).collect();
            region_masks(&regions, protected, size)
        };
        let everywhere = || vec![RegionPlace::Everywhere];
        assert_eq!(masks(everywhere(), None), [None]);
        let painted = array![[0.0, 0.8, 1.0]];
        assert_eq!(masks(everywhere(), Some(&protected)), [Some(painted)]);
        let parts = || vec![RegionPlace::Mask(row([255, 0, 255])), RegionPlace::Rest];
        let (part, rest) = (array![[0.0, 0.0, 1.0]], array![[0.0, 0.8, 0.0]]);
        assert_eq!(masks(parts(), Some(&protected)), [Some(part), Some(rest)]);
    }
}
