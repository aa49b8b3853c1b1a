//! What is minimized: the weighted sum of content, style and total-variation losses, as a function of the pixels.

mod joint;
mod losses;
mod method;
mod targets;
pub mod tiled;

pub use method::{Compared, Method};
pub use targets::{Region, Style, Tap, Targets};
pub(crate) use targets::{common_weight, depth};
pub use tiled::{ReceptiveField, TileSize, TiledObjective, Tiling};

use crate::method::style::{Features, RegionLoss, RegionLossBuilder, evaluate_all};
use crate::method::{ContentLoss, Loss, Pooling, Scalar, TotalVariation, pool};
use crate::network::{Activations, Network, Steps};
use joint::JointTerm;
use losses::{JointBack, PictureLosses};
use ndarray::{Array2, Array3, Axis};
use targets::{areas, layers};

/// The losses of one picture, each already multiplied by its weight.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// How far the content layers' activations are from the photograph's.
    pub content: f64,
    /// How far the distributions of the style layers' activations are from the painting's.
    pub style: f64,
    /// How much neighboring pixels differ.
    pub tv: f64,
}

impl Losses {
    /// The sum, which is minimized.
    pub fn total(&self) -> f64 {
        self.content + self.style + self.tv
    }
}

/// Total loss = Σ wₗ·content lossₗ + Σ wₗ·aᵣ·style lossₗᵣ + w·total variation, over layers l and regions r with a share aᵣ of the
/// area, and its gradient with respect to the pixels.
pub struct Objective<T> {
    terms: Vec<Term<T>>,
    joint_terms: Vec<JointTerm<T>>,
    steps: Steps,
    normalize: bool,
}

/// One loss of the sum.
struct Term<T> {
    /// The layer where it is computed; of total variation none: that is computed from the pixels.
    layer: Option<usize>,
    weight: f64,
    loss: TermLoss<T>,
}

enum TermLoss<T> {
    Content(ContentLoss<T>),
    Style(RegionLoss<T>),
    TotalVariation(TotalVariation),
}

/// Which of the reported losses a term belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TermKind {
    Content,
    Style,
    TotalVariation,
}

impl<T: Scalar> TermLoss<T> {
    fn kind(&self) -> TermKind {
        match self {
            Self::Content(_) => TermKind::Content,
            Self::Style(_) => TermKind::Style,
            Self::TotalVariation(_) => TermKind::TotalVariation,
        }
    }

    fn as_loss(&self) -> &dyn Loss<T> {
        match self {
            Self::Content(loss) => loss,
            Self::Style(loss) => loss,
            Self::TotalVariation(loss) => loss,
        }
    }
}

impl<T: Scalar> Objective<T> {
    /// The objective whose targets are the activations of these pictures. The pictures are not needed afterwards.
    ///
    /// # Panics
    /// If the network has fewer layers than the taps need, or a mask has another size than its picture.
    pub fn new(network: &Network<T>, targets: Targets<T>) -> Self {
        let mut terms = Vec::new();
        let by_layers = matches!(targets.compared, Compared::Layers);
        if let Some((picture, taps)) = targets.content
            && by_layers
        {
            let activations = targets_of(network, taps, picture);
            terms.extend(taps.iter().map(|tap| Term {
                layer: Some(tap.layer),
                weight: tap.weight,
                loss: TermLoss::Content(ContentLoss::new(activations.of(tap.layer).clone())),
            }));
        }
        let regions = if by_layers { targets.regions } else { &[] };
        let regions = regions.iter().zip(areas(targets.regions));
        for (region, area) in regions.filter(|(region, _)| !region.styles.is_empty()) {
            terms.extend(style_terms(network, &targets, region, area));
        }
        if targets.tv_weight != 0.0 {
            terms.push(Term {
                layer: None,
                weight: targets.tv_weight,
                loss: TermLoss::TotalVariation(TotalVariation {
                    padding: network.padding(),
                    diagonals: targets.tv_diagonals,
                }),
            });
        }
        let joint_terms = joint::terms(network, &targets);
        network.engine().release_memory();
        let of_joint = joint_terms.iter().flat_map(|term| &term.arrays);
        let of_terms = || terms.iter().map(|term| &term.layer);
        let steps = network.steps(of_terms().chain(of_joint).flatten().copied());
        Self {
            // Joint losses read the activations on the way forward.
            steps: steps.keeping(|layer| of_terms().any(|tapped| *tapped == Some(layer))),
            terms,
            joint_terms,
            normalize: targets.normalize,
        }
    }

    /// [`evaluate_at`](Self::evaluate_at) the first iteration: of most methods all are alike.
    pub fn evaluate(&self, network: &Network<T>, x: &Array3<T>) -> (Losses, Array3<T>) {
        self.evaluate_at(0, network, x)
    }

    /// The losses of the picture `x` (H×W×3), and the gradient of their total with respect to it, or what
    /// [`Targets::normalize`] makes of it.
    ///
    /// Here and in [`new`](Self::new) the memory of a run peaks: losses of single layers need the activations of all of them at once.
    ///
    /// Losses of random positions draw them from the number of the `iteration`.
    ///
    /// # Panics
    /// If `x` has another size than the photograph while there is a content loss, or than a region's mask.
    pub fn evaluate_at(
        &self,
        iteration: u64,
        network: &Network<T>,
        x: &Array3<T>,
    ) -> (Losses, Array3<T>) {
        let engine = network.engine();
        let (height, width, _) = x.dim();
        let mut passes: Vec<_> = (self.joint_terms.iter())
            .map(|term| term.loss.begin((height, width), iteration, engine))
            .collect();
        let mut sums: Vec<_> = self.terms.iter().map(|_| None).collect();
        let mut read = |layer: Option<usize>, f: &Array3<T>| {
            for (term, pass) in self.joint_terms.iter().zip(&mut passes) {
                if let Some(k) = term.array_of(layer) {
                    pass.read(k, f);
                }
            }
            for (term, sums) in self.terms.iter().zip(&mut sums) {
                if let (true, TermLoss::Style(loss)) = (term.layer == layer, &term.loss) {
                    *sums = loss.sums(f, engine);
                }
            }
        };
        read(None, x);
        let activations = network.forward_reading(&self.steps, x, |layer, f| read(Some(layer), f));
        let (joint_values, joint): (Vec<f64>, Vec<JointBack<T>>) =
            (self.joint_terms.iter().zip(passes))
                .map(|(term, pass)| {
                    let (value, back) = pass.finish();
                    (term.weight * value, (term, back))
                })
                .unzip();
        let mut losses = PictureLosses::new(self, network, evaluate_all(sums, engine), joint);
        let mut gradient = if activations.is_empty() {
            Array3::zeros(x.dim())
        } else {
            network.backward(activations, &mut losses)
        };
        losses.add(None, Some(x), &mut gradient);
        let values = losses.values;
        let kinds = self.terms.iter().map(|term| term.loss.kind());
        let kinds = kinds.chain(self.joint_terms.iter().map(|term| term.kind));
        let all: Vec<_> = kinds.zip(values.into_iter().chain(joint_values)).collect();
        let sum = |kind| {
            let of_kind = all.iter().filter(|(of, _)| *of == kind);
            of_kind.fold(0.0, |sum, (_, value)| sum + value)
        };
        let losses = Losses {
            content: sum(TermKind::Content),
            style: sum(TermKind::Style),
            tv: sum(TermKind::TotalVariation),
        };
        (losses, gradient)
    }
}

/// The activations of a photograph or a painting at these taps. Buffers of the picture before, which has another size, are freed.
fn targets_of<'a, T: Scalar>(
    network: &'a Network<T>,
    taps: &[Tap],
    picture: &Array3<T>,
) -> Activations<'a, T> {
    network.engine().release_memory();
    network.forward(&network.steps(layers(taps)), picture)
}

/// The style losses of a region, one for each tap, each multiplied by `area`, the region's share of the area of all regions.
///
/// Regions and their masks follow Gatys, Ecker, Bethge, Hertzmann and Shechtman 2017, Controlling Perceptual Factors in Neural
/// Style Transfer, section 4 (guided Gram matrices).
fn style_terms<T: Scalar>(
    network: &Network<T>,
    targets: &Targets<T>,
    region: &Region<Array3<T>, Array2<T>>,
    area: f64,
) -> Vec<Term<T>> {
    let taps = targets.style_taps;
    let builder = |_| RegionLossBuilder::new(targets.style_loss);
    let mut losses: Vec<_> = taps.iter().map(builder).collect();
    // One painting after the other, so that the activations of only one exist at a time.
    for style in &region.styles {
        let activations = targets_of(network, taps, &style.picture);
        for (tap, loss) in taps.iter().zip(&mut losses) {
            let mask = (style.mask.as_ref()).map(|mask| at_layer(network, mask, tap.layer));
            let features = Features::new(activations.of(tap.layer), mask.as_ref());
            loss.add_painting(features, style.share, network.engine());
        }
    }
    let term = |(tap, loss): (&Tap, RegionLossBuilder<T>)| {
        let mask = (region.mask.as_ref()).map(|mask| at_layer(network, mask, tap.layer));
        Term {
            layer: Some(tap.layer),
            weight: tap.weight * area,
            loss: TermLoss::Style(loss.finish(mask, network.engine())),
        }
    };
    taps.iter().zip(losses).map(term).collect()
}

/// A picture's mask (H×W) at the size of a layer: averaged over 2×2 cells at each pooling before it, however the network pools.
pub(super) fn at_layer<T: Scalar>(
    network: &Network<T>,
    mask: &Array2<T>,
    layer: usize,
) -> Array2<T> {
    let mask = mask.as_standard_layout().into_owned().insert_axis(Axis(2));
    let halve = |mask: Array3<T>, _| pool::forward(Pooling::Average, &mask);
    let mask = (0..network.poolings(layer)).fold(mask, halve);
    mask.remove_axis(Axis(2))
}
