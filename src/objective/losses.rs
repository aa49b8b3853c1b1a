//! The losses of a picture, as the walk back meets them.

use super::joint::JointTerm;
use super::{Objective, TermLoss};
use crate::method::scalar::{sum_pairs, zip_in_place};
use crate::method::style::{Features, SumsGradient};
use crate::method::{JointBackward, Scalar};
use crate::network::{LayerLosses, Network};
use ndarray::Array3;

/// Added to the norm that [`Targets::normalize`](super::Targets::normalize) divides by, which may be 0.
const MIN_NORM: f64 = 1e-12;

/// The losses of an iteration on the way back.
pub(super) struct PictureLosses<'a, T: Scalar> {
    objective: &'a Objective<T>,
    network: &'a Network<T>,
    /// The value of each term, once it is known, multiplied by its weight.
    pub values: Vec<f64>,
    /// Of the terms that are functions of sums, the gradients with respect to these, until the walk comes to their layers.
    of_sums: Vec<Option<SumsGradient<T>>>,
    joint: Vec<JointBack<'a, T>>,
}

/// A joint term, and its way back.
pub(super) type JointBack<'a, T> = (&'a JointTerm<T>, Box<dyn JointBackward<T> + 'a>);

impl<'a, T: Scalar> PictureLosses<'a, T> {
    /// The losses after the forward pass, which found `of_sums`, the values and gradients of terms that are functions of sums, and `joint`.
    pub fn new(
        objective: &'a Objective<T>,
        network: &'a Network<T>,
        of_sums: Vec<(f64, Option<SumsGradient<T>>)>,
        joint: Vec<JointBack<'a, T>>,
    ) -> Self {
        let (values, of_sums) = (objective.terms.iter().zip(of_sums))
            .map(|(term, (value, gradient))| (term.weight * value, gradient))
            .unzip();
        Self {
            objective,
            network,
            values,
            of_sums,
            joint,
        }
    }

    // ANCHOR: add
    /// Adds the gradient of the losses at a layer, or of those of the pixels, to `df`.
    pub fn add(&mut self, layer: Option<usize>, f: Option<&Array3<T>>, df: &mut Array3<T>) {
        let objective = self.objective;
        let terms = objective.terms.iter().enumerate();
        for (number, term) in terms.filter(|(_, term)| term.layer == layer) {
            let f = f.expect("layers with terms are kept");
            if objective.normalize && layer.is_some() {
                self.add_normalized(number, f, df);
            } else {
                self.add_term(number, term.weight, f, df);
            }
        }
        for (term, back) in &self.joint {
            if let Some(k) = term.array_of(layer) {
                back.add_gradient(k, term.weight, df);
            }
        }
    }

    /// Adds `weight` times the gradient of a term: from the sums to the activations, or all of it.
    fn add_term(&mut self, number: usize, weight: f64, f: &Array3<T>, df: &mut Array3<T>) {
        let term = &self.objective.terms[number];
        let engine = self.network.engine();
        if let (Some(gradient), TermLoss::Style(loss)) = (self.of_sums[number].take(), &term.loss) {
            gradient.add_to(Features::new(f, loss.mask()), weight, df, engine);
            gradient.recycle(engine);
        } else {
            let value = term.loss.as_loss().add_gradient(f, weight, df, engine);
            self.values[number] = term.weight * value;
        }
    }
    // ANCHOR_END: add

    /// Adds the gradient of a term, scaled to an L1 norm of the term's weight.
    fn add_normalized(&mut self, number: usize, f: &Array3<T>, df: &mut Array3<T>) {
        let engine = self.network.engine();
        let mut gradient = engine.array(df.dim());
        gradient.fill(T::zero());
        self.add_term(number, 1.0, f, &mut gradient);
        let norm = sum_pairs(&gradient, &gradient, |g, _| g.abs());
        let scale = T::of(self.objective.terms[number].weight / (norm + MIN_NORM));
        zip_in_place(df, &gradient, |df, g| df + scale * g);
        engine.recycle(gradient);
    }
}

impl<T: Scalar> LayerLosses<T> for PictureLosses<'_, T> {
    fn add_gradient(&mut self, layer: usize, f: Option<&Array3<T>>, df: &mut Array3<T>) {
        self.add(Some(layer), f, df);
    }

    /// Of a layer with one loss, if that is a function of sums.
    fn replace_by_gradient(&mut self, layer: usize, f: &mut Array3<T>) -> bool {
        let layer = Some(layer);
        let terms = self.objective.terms.iter().zip(&mut self.of_sums);
        let mut of_layer = terms.filter(|(term, _)| term.layer == layer);
        let (Some((term, of_sums)), None) = (of_layer.next(), of_layer.next()) else {
            return false;
        };
        let in_joint = (self.joint.iter()).any(|(term, _)| term.array_of(layer).is_some());
        if self.objective.normalize || in_joint {
            return false;
        }
        let (TermLoss::Style(loss), Some(gradient)) = (&term.loss, of_sums.take()) else {
            return false;
        };
        let engine = self.network.engine();
        gradient.replace(f, loss.mask(), term.weight, engine);
        gradient.recycle(engine);
        true
    }
}
