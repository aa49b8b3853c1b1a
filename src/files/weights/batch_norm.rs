//! Batch normalization (Ioffe and Szegedy 2015), folded into the convolution before it.

use super::ConvWeights;
use super::names::Part;
use ndarray::{Array1, Axis};
use std::collections::BTreeMap;

/// ε, which is added to the variance: PyTorch's default, which torchvision's networks use.
const EPSILON: f64 = 1e-5;

/// The arrays of a batch normalization. Each has one value per channel.
pub(super) const PARTS: [Part; 4] = [Part::Scale, Part::Shift, Part::Mean, Part::Variance];

/// Replaces a convolution followed by batch normalization with one convolution.
///
/// γ (W ∗ x + b − μ) / √(σ² + ε) + β = (aW) ∗ x + a(b − μ) + β with a = γ / √(σ² + ε), computed in `f64` and rounded once.
/// `parts` must contain all of [`PARTS`], each of the bias' length.
pub(super) fn fold(conv: &mut ConvWeights, parts: &BTreeMap<Part, Array1<f32>>) {
    let part = |part: Part| parts[&part].mapv(f64::from);
    let factor = part(Part::Scale) / part(Part::Variance).mapv(|v| (v + EPSILON).sqrt());
    for (mut weights, &a) in conv.kernel.axis_iter_mut(Axis(3)).zip(&factor) {
        weights.mapv_inplace(|w| (a * f64::from(w)) as f32);
    }
    let bias = factor * (conv.bias.mapv(f64::from) - part(Part::Mean)) + part(Part::Shift);
    conv.bias = bias.mapv(|b| b as f32);
}
