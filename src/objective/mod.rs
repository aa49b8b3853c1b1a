//! What is minimized: the weighted sum of content, style and total-variation losses, as a function of the pixels.

mod joint;
mod method;
mod targets;
pub mod tiled;

pub use method::{Compared, Method};
pub use targets::{Region, Style, Tap, Targets};
pub(crate) use targets::{common_weight, depth};
pub use tiled::{ReceptiveField, TileSize, TiledObjective, Tiling};

use crate::method::scalar::sum_pairs;
use crate::method::style::{Features, RegionLossBuilder};
use crate::method::{ContentLoss, JointBackward, Loss, Pooling, Scalar, TotalVariation, pool};
use crate::network::{Activations, LayerLosses, Network, Steps};
use joint::JointTerm;
use ndarray::{Array2, Array3, Axis, Zip};
use targets::{areas, layers};

/// Added to the norm that [`Targets::normalize`] divides by, which may be 0.
const MIN_NORM: f64 = 1e-12;

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
    kind: TermKind,
    /// The layer where it is computed; of total variation none: that is computed from the pixels.
    layer: Option<usize>,
    weight: f64,
    loss: Box<dyn Loss<T>>,
}

/// Which of the reported losses a term belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum TermKind {
    Content,
    Style,
    TotalVariation,
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
                kind: TermKind::Content,
                layer: Some(tap.layer),
                weight: tap.weight,
                loss: Box::new(ContentLoss::new(activations.of(tap.layer).clone())),
            }));
        }
        let regions = if by_layers { targets.regions } else { &[] };
        let regions = regions.iter().zip(areas(targets.regions));
        for (region, area) in regions.filter(|(region, _)| !region.styles.is_empty()) {
            terms.extend(style_terms(network, &targets, region, area));
        }
        if targets.tv_weight != 0.0 {
            terms.push(Term {
                kind: TermKind::TotalVariation,
                layer: None,
                weight: targets.tv_weight,
                loss: Box::new(TotalVariation {
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
        let mut read = |layer: Option<usize>, f: &Array3<T>| {
            for (term, pass) in self.joint_terms.iter().zip(&mut passes) {
                if let Some(k) = term.array_of(layer) {
                    pass.read(k, f);
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
        let mut losses = LossesAt {
            objective: self,
            network,
            values: vec![0.0; self.terms.len()],
            joint,
        };
        let mut gradient = if activations.is_empty() {
            Array3::zeros(x.dim())
        } else {
            network.backward(activations, &mut losses)
        };
        losses.add(None, Some(x), &mut gradient);
        let values = losses.values;
        let kinds = self.terms.iter().map(|term| term.kind);
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

/// The losses of an iteration on the way back.
struct LossesAt<'a, T: Scalar> {
    objective: &'a Objective<T>,
    network: &'a Network<T>,
    /// The value of each term, once it is known.
    values: Vec<f64>,
    joint: Vec<JointBack<'a, T>>,
}

/// A joint term, and its way back.
type JointBack<'a, T> = (&'a JointTerm<T>, Box<dyn JointBackward<T> + 'a>);

impl<T: Scalar> LossesAt<'_, T> {
    // ANCHOR: add
    /// Adds the gradient of the losses at a layer, or of those of the pixels, to `df`.
    fn add(&mut self, layer: Option<usize>, f: Option<&Array3<T>>, df: &mut Array3<T>) {
        let of_layer = self.objective.terms.iter().zip(&mut self.values);
        for (term, value) in of_layer.filter(|(term, _)| term.layer == layer) {
            let f = f.expect("layers with terms are kept");
            *value = if self.objective.normalize && layer.is_some() {
                term.add_normalized_gradient(f, df, self.network)
            } else {
                (term.loss).add_gradient(f, term.weight, df, self.network.engine())
            };
            *value *= term.weight;
        }
        for (term, back) in &self.joint {
            if let Some(k) = term.array_of(layer) {
                back.add_gradient(k, term.weight, df);
            }
        }
    }
    // ANCHOR_END: add
}

impl<T: Scalar> LayerLosses<T> for LossesAt<'_, T> {
    fn add_gradient(&mut self, layer: usize, f: Option<&Array3<T>>, df: &mut Array3<T>) {
        self.add(Some(layer), f, df);
    }

    fn replace_by_gradient(&mut self, layer: usize, f: &mut Array3<T>) -> bool {
        let layer = Some(layer);
        let of_layer = self.objective.terms.iter().zip(&mut self.values);
        let mut of_layer = of_layer.filter(|(term, _)| term.layer == layer);
        let (Some((term, value)), None) = (of_layer.next(), of_layer.next()) else {
            return false;
        };
        let in_joint = (self.joint.iter()).any(|(term, _)| term.array_of(layer).is_some());
        if self.objective.normalize || in_joint {
            return false;
        }
        let engine = self.network.engine();
        let found = term.loss.replace_by_gradient(f, term.weight, engine);
        if let Some(loss) = found {
            *value = term.weight * loss;
        }
        found.is_some()
    }
}

impl<T: Scalar> Term<T> {
    /// Returns L, and adds its gradient scaled to an L1 norm of the term's weight.
    fn add_normalized_gradient(
        &self,
        f: &Array3<T>,
        df: &mut Array3<T>,
        network: &Network<T>,
    ) -> f64 {
        let engine = network.engine();
        let mut gradient = engine.array(df.dim());
        gradient.fill(T::zero());
        let value = self.loss.add_gradient(f, 1.0, &mut gradient, engine);
        let norm = sum_pairs(&gradient, &gradient, |g, _| g.abs());
        let scale = T::of(self.weight / (norm + MIN_NORM));
        Zip::from(df)
            .and(&gradient)
            .par_for_each(|df, &g| *df += scale * g);
        engine.recycle(gradient);
        value
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
            kind: TermKind::Style,
            layer: Some(tap.layer),
            weight: tap.weight * area,
            loss: Box::new(loss.finish(mask, network.engine())) as Box<dyn Loss<T>>,
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
