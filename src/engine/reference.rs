//! The reference engine: the functions of [`crate::method`], one after the other.
//!
//! It is what the fast engine is tested against, and as simple as it can be. It stores the output of every layer for the way
//! back.

use super::{Activation, ConvRelu, Engine, Forward, Layer};
use crate::method::{Padding, PlainProducts, Pooling, Products, Scalar};
use crate::method::{conv, pool, relu};
use ndarray::{Array1, Array2, Array3, Array4, ArrayView2};
use std::sync::Arc;

/// The reference engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference;

impl<T: Scalar> Products<T> for Reference {
    fn gram(&self, f: &Array3<T>) -> Array2<T> {
        PlainProducts.gram(f)
    }

    fn add_gram_backward(&self, f: &Array3<T>, dg: &Array2<T>, scale: T, df: &mut Array3<T>) {
        PlainProducts.add_gram_backward(f, dg, scale, df);
    }

    fn product(&self, a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T> {
        PlainProducts.product(a, b)
    }
}

impl<T: Scalar> Engine<T> for Reference {
    fn conv_relu(
        &self,
        kernel: &Array4<T>,
        bias: &Array1<T>,
        padding: Padding,
    ) -> Box<dyn ConvRelu<T>> {
        Box::new(PlainConv {
            kernel: kernel.clone(),
            bias: bias.clone(),
            padding,
        })
    }

    fn pool(&self, pooling: Pooling) -> Box<dyn Layer<T>> {
        Box::new(PlainPool(pooling))
    }
}

struct PlainConv<T> {
    kernel: Array4<T>,
    bias: Array1<T>,
    padding: Padding,
}

impl<T: Scalar> Layer<T> for PlainConv<T> {
    fn forward<'a>(&'a self, x: &Activation<T>) -> Forward<'a, T> {
        // ANCHOR: closure
        let y = relu::forward(conv::forward(x, &self.kernel, &self.bias, self.padding));
        let output = Arc::new(y);
        let y = output.clone();
        let back = move |dy: &Array3<T>| {
            conv::backward(&relu::backward(&y, dy), &self.kernel, self.padding)
        };
        Forward {
            output,
            back: Box::new(back),
        }
        // ANCHOR_END: closure
    }
}

impl<T: Scalar> ConvRelu<T> for PlainConv<T> {
    fn forward_pooled<'a>(&'a self, pooling: Pooling, x: &Activation<T>) -> Forward<'a, T> {
        let Forward { output: y, back } = self.forward(x);
        let output = Arc::new(pool::forward(pooling, &y));
        let pool_back = move |dy: &Array3<T>| pool::backward(pooling, &y, dy);
        Forward {
            output,
            back: Box::new(move |dy: &Array3<T>| back.backward(&pool_back(dy))),
        }
    }
}

struct PlainPool(Pooling);

impl<T: Scalar> Layer<T> for PlainPool {
    fn forward<'a>(&'a self, x: &Activation<T>) -> Forward<'a, T> {
        let output = Arc::new(pool::forward(self.0, x));
        let x = x.clone();
        Forward {
            output,
            back: Box::new(move |dy: &Array3<T>| pool::backward(self.0, &x, dy)),
        }
    }
}
