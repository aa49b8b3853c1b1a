//! The terms of methods that compare vectors of several layers together.

use super::targets::{Region, Style, Tap, Targets, areas, common_weight, layers};
use super::{Compared, TermKind};
use crate::method::nearest::{Candidates, Hypercolumns, SplitLossBuilder, quarter};
use crate::method::strotss::{Sampling, StrotssStyleBuilder};
use crate::method::{JointLoss, NearestLoss, Scalar, SelfSimilarity};
use crate::network::Network;
use crate::vgg::MEAN;
use ndarray::{Array2, Array3, Axis};
use std::borrow::Cow;

/// A loss of several layers.
pub(super) struct JointTerm<T> {
    pub kind: TermKind,
    /// The arrays that it looks at, in the order in which a walk comes to them: the pixels (`None`), and layers by their numbers.
    pub arrays: Vec<Option<usize>>,
    pub weight: f64,
    pub loss: Box<dyn JointLoss<T>>,
}

impl<T> JointTerm<T> {
    /// Which of its arrays a layer is, or the pixels.
    pub fn array_of(&self, layer: Option<usize>) -> Option<usize> {
        self.arrays.iter().position(|array| *array == layer)
    }
}

/// The terms of the method that these targets name; none if it compares each layer by itself.
pub(super) fn terms<T: Scalar>(network: &Network<T>, targets: &Targets<T>) -> Vec<JointTerm<T>> {
    match targets.compared {
        Compared::Layers => Vec::new(),
        Compared::Strotss {
            seed,
            palette_weight,
        } => strotss(network, targets, seed, palette_weight),
        Compared::Nearest { matched, rotations } => {
            vec![nearest(network, targets, matched, rotations)]
        }
        Compared::Split { rotations } => vec![split(network, targets, rotations)],
    }
}

fn strotss<T: Scalar>(
    network: &Network<T>,
    targets: &Targets<T>,
    seed: u64,
    palette_weight: f64,
) -> Vec<JointTerm<T>> {
    let with_pixels = |taps: &[Tap]| [&[None], &in_order(taps)[..]].concat();
    let mut terms = Vec::new();
    let taps = targets.style_taps;
    let numbers = with_pixels(taps);
    let regions = targets.regions.iter().zip(areas(targets.regions));
    for (region, area) in regions.filter(|(region, _)| !region.styles.is_empty()) {
        let mut sampling = Sampling::new(seed, MEAN.map(f64::from));
        sampling.mask = region.mask.clone();
        let mut loss = StrotssStyleBuilder::new(sampling, palette_weight);
        for style in &region.styles {
            let (height, width, channels) = style.picture.dim();
            let of_layers = in_order(taps).into_iter().flatten();
            let channels = of_layers.fold(channels, |sum, layer| sum + network.channels(layer));
            loss.add_painting(
                ((height, width), channels),
                style.share,
                style.mask.as_ref(),
                network.engine(),
                |read| {
                    read(&style.picture);
                    visit(network, taps, &style.picture, |_, f| read(f));
                },
            );
        }
        terms.push(JointTerm {
            kind: TermKind::Style,
            arrays: numbers.clone(),
            weight: common_weight(taps) * area,
            loss: Box::new(loss.finish()),
        });
    }
    if let Some((photograph, taps)) = targets.content
        && !taps.is_empty()
    {
        let mut loss = SelfSimilarity::new(Sampling::new(seed, MEAN.map(f64::from)));
        loss.read(photograph);
        visit(network, taps, photograph, |_, f| loss.read(f));
        terms.push(JointTerm {
            kind: TermKind::Content,
            arrays: with_pixels(taps),
            weight: common_weight(taps),
            loss: Box::new(loss),
        });
    }
    terms
}

/// Calls `visit` with each layer of these taps, counted from 0, and its output (H×W×C), in the order of a walk. Buffers of the picture
/// before, which has another size, are freed first, and those of this one at the end: what is made of its layers needs memory too.
fn visit<T: Scalar>(
    network: &Network<T>,
    taps: &[Tap],
    picture: &Array3<T>,
    mut visit: impl FnMut(usize, &Array3<T>),
) {
    network.engine().release_memory();
    let mut k = 0;
    network.visit(&network.steps(layers(taps)), picture, |_, f| {
        visit(k, f);
        k += 1;
    });
    network.engine().release_memory();
}

/// The layers of these taps, in the order in which a walk comes to them.
fn in_order(taps: &[Tap]) -> Vec<Option<usize>> {
    let mut numbers: Vec<_> = layers(taps).map(Some).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

fn nearest<T: Scalar>(
    network: &Network<T>,
    targets: &Targets<T>,
    matched: &Array3<T>,
    rotations: bool,
) -> JointTerm<T> {
    let numbers = in_order(targets.style_taps);
    let hypercolumns = |picture: &Array3<T>| {
        let (height, width, _) = picture.dim();
        let mut hypercolumns = Hypercolumns::empty(quarter((height, width)));
        visit(network, targets.style_taps, picture, |_, f| {
            hypercolumns.push(f)
        });
        hypercolumns
    };
    let paintings: Vec<_> = paintings(targets.regions, rotations)
        .map(|painting| Candidates {
            region: painting.region,
            mask: painting.mask,
            hypercolumns: Box::new(move || hypercolumns(&painting.picture)),
        })
        .collect();
    let masks = masks(targets.regions);
    let loss = NearestLoss::new(hypercolumns(matched), &masks, &paintings, network.engine());
    JointTerm {
        kind: TermKind::Style,
        weight: common_weight(targets.style_taps),
        loss: Box::new(loss),
        arrays: numbers,
    }
}

fn split<T: Scalar>(network: &Network<T>, targets: &Targets<T>, rotations: bool) -> JointTerm<T> {
    let numbers = in_order(targets.style_taps);
    let mut loss = SplitLossBuilder::new(numbers.len(), targets.regions.len());
    for Painting {
        region,
        picture,
        mask,
    } in paintings(targets.regions, rotations)
    {
        visit(network, targets.style_taps, &picture, |k, f| {
            loss.add_layer(region, k, f, mask.as_ref());
        });
    }
    JointTerm {
        kind: TermKind::Style,
        weight: common_weight(targets.style_taps),
        loss: Box::new(loss.finish(masks(targets.regions))),
        arrays: numbers,
    }
}

fn masks<T: Scalar>(regions: &[Region<Array3<T>, Array2<T>>]) -> Vec<Option<Array2<T>>> {
    regions.iter().map(|region| region.mask.clone()).collect()
}

/// A painting, turned or not, that a region may choose from.
struct Painting<'a, T: Scalar> {
    region: usize,
    picture: Cow<'a, Array3<T>>,
    mask: Option<Array2<T>>,
}

/// All paintings, and all turns of them.
fn paintings<T: Scalar>(
    regions: &[Region<Array3<T>, Array2<T>>],
    rotations: bool,
) -> impl Iterator<Item = Painting<'_, T>> {
    let turns = if rotations { 4 } else { 1 };
    let styles = (regions.iter().enumerate()).flat_map(|(region, Region { styles, .. })| {
        styles.iter().map(move |style| (region, style))
    });
    styles.flat_map(move |(region, Style { picture, mask, .. })| {
        (0..turns).map(move |turn| {
            let mask = mask.as_ref().map(|mask| {
                let layer = mask.clone().insert_axis(Axis(2));
                turned(&layer, turn).into_owned().remove_axis(Axis(2))
            });
            Painting {
                region,
                picture: turned(picture, turn),
                mask,
            }
        })
    })
}

/// `x` (H×W×C) turned by 90° this many times.
fn turned<T: Scalar>(x: &Array3<T>, turns: usize) -> Cow<'_, Array3<T>> {
    let mut view = x.view();
    for _ in 0..turns {
        view.swap_axes(0, 1);
        view.invert_axis(Axis(0));
    }
    match turns {
        0 => Cow::Borrowed(x),
        _ => Cow::Owned(view.as_standard_layout().into_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn a_picture_is_turned_a_quarter_at_a_time() {
        let x = array![[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]];
        let once = array![[[3.0], [6.0]], [[2.0], [5.0]], [[1.0], [4.0]]];
        assert_eq!(*turned(&x, 1), once);
        assert_eq!(turned(&x, 3), turned(&turned(&x, 2), 1));
        assert_eq!(*turned(&x, 4), x);
    }
}
