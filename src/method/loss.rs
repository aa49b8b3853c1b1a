//! What every loss is: a number that says how far an array is from where it should be, and the gradient of that number.

use super::Scalar;
use super::gram;
use ndarray::{Array2, Array3, ArrayView2, Axis};
use std::borrow::Cow;
use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

/// A loss L(F) of an array F (H×W×C): the activations of a layer, or the pixels themselves.
pub trait Loss<T: Scalar>: Send + Sync {
    /// Returns L at `f`, and adds `weight`·dL/dF to `df` (H×W×C).
    ///
    /// Value and gradient are computed together, since they share their largest intermediate results. `products` computes the
    /// Gram matrices.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn add_gradient(
        &self,
        f: &Array3<T>,
        weight: f64,
        df: &mut Array3<T>,
        products: &dyn Products<T>,
    ) -> f64;

    /// L and dL/dF (H×W×C) at `f`.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn value_and_gradient(&self, f: &Array3<T>) -> (f64, Array3<T>) {
        let mut df = Array3::zeros(f.dim());
        let value = self.add_gradient(f, 1.0, &mut df, &PlainProducts);
        (value, df)
    }
}

/// A loss L(F₀, F₁, …) of several arrays at once: the activations of several layers, or the pixels.
pub trait JointLoss<T: Scalar>: Send + Sync {
    /// Begins the forward pass for a picture of this height and width.
    ///
    /// A loss that looks at random positions draws them anew in each `iteration` of a run: the same number, the same positions.
    fn begin<'a>(
        &'a self,
        size: (usize, usize),
        iteration: u64,
        products: &'a dyn Products<T>,
    ) -> Box<dyn JointForward<'a, T> + 'a>;
}

/// The forward pass of a [`JointLoss`]. It is shown one array after the other, so that not all of them need to exist at once.
pub trait JointForward<'a, T: Scalar> {
    /// Reads array number `k`, which may be gone afterwards. Each is read once, in the order of their numbers.
    ///
    /// # Panics
    /// If its shape does not fit.
    fn read(&mut self, k: usize, f: &Array3<T>);

    /// L, and the backward pass.
    ///
    /// # Panics
    /// If an array was not read.
    fn finish(self: Box<Self>) -> (f64, Box<dyn JointBackward<T> + 'a>);
}

/// The way back from a [`JointLoss`] to each of its arrays.
pub trait JointBackward<T: Scalar> {
    /// Adds `weight`·dL/dFₖ to `df`, where Fₖ is array number `k`. It is called once for each array, in any order.
    fn add_gradient(&self, k: usize, weight: f64, df: &mut Array3<T>);
}

/// That of a constant: its gradient is 0.
impl<T: Scalar> JointBackward<T> for () {
    fn add_gradient(&self, _: usize, _: f64, _: &mut Array3<T>) {}
}

/// What a loss may ask its engine for: the matrix products that style losses are made of, and memory for intermediate results. Every
/// loss is handed them, so that all losses are called in one way.
pub trait Products<T: Scalar>: Send + Sync {
    /// [`gram::forward`], in standard layout.
    fn gram(&self, f: &Array3<T>) -> Array2<T>;

    /// [`gram::add_backward`]
    fn add_gram_backward(&self, f: &Array3<T>, dg: &Array2<T>, scale: T, df: &mut Array3<T>);

    /// Replaces `f` (H×W×N) by the array that [`add_gram_backward`](Self::add_gram_backward) adds.
    fn gram_backward_in_place(&self, f: &mut Array3<T>, dg: &Array2<T>, scale: T) {
        let mut df = self.array(f.dim());
        df.fill(T::zero());
        self.add_gram_backward(f, dg, scale, &mut df);
        self.recycle(std::mem::replace(f, df));
    }

    /// The matrix product A·B of `a` (M×K) and `b` (K×N), which may be transposed views, in standard layout. Its bits do not depend on
    /// the number of threads.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn product(&self, a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T>;

    /// The product of `a` (N×K) and `b` (K×N) that is known to be symmetric, as that of two polynomials of one symmetric matrix is, or
    /// that of a matrix and its transpose. It is symmetric to the last bit, and half of it need not be computed.
    ///
    /// # Panics
    /// If the shapes do not fit.
    fn symmetric_product(&self, a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T> {
        let product = self.product(a, b);
        // Rounding errors make it a little asymmetric.
        (&product + &product.t()) * T::of(0.5)
    }

    /// An array of this shape whose elements have any values, to be overwritten.
    fn array(&self, shape: (usize, usize, usize)) -> Array3<T> {
        Array3::zeros(shape)
    }

    /// Takes back an array that nobody needs any more. Its memory may serve the next [`array`](Self::array).
    fn recycle(&self, array: Array3<T>) {
        drop(array);
    }

    /// The same, if the array is not borrowed from someone.
    fn recycle_copy(&self, array: Cow<Array3<T>>) {
        if let Cow::Owned(array) = array {
            self.recycle(array);
        }
    }

    /// [`array`](Self::array) for a matrix. Made a [`Loan`], it comes back by itself.
    fn matrix(&self, (rows, columns): (usize, usize)) -> Array2<T> {
        self.array((1, rows, columns)).index_axis_move(Axis(0), 0)
    }

    /// A [`matrix`](Self::matrix) of zeros.
    fn zeros(&self, shape: (usize, usize)) -> Array2<T> {
        let mut matrix = self.matrix(shape);
        matrix.fill(T::zero());
        matrix
    }

    /// [`recycle`](Self::recycle) for a matrix.
    fn recycle_matrix(&self, matrix: Array2<T>) {
        self.recycle(matrix.insert_axis(Axis(0)));
    }
}

/// A matrix on loan. Its memory goes back to the engine when it is dropped.
pub struct Loan<'a, T: Scalar> {
    matrix: Array2<T>,
    owner: &'a dyn Products<T>,
}

impl<'a, T: Scalar> Loan<'a, T> {
    /// Lends this matrix, which was made by `owner`.
    pub fn new(matrix: Array2<T>, owner: &'a dyn Products<T>) -> Self {
        Self { matrix, owner }
    }

    /// The matrix, which no longer goes back by itself.
    pub fn into_matrix(self) -> Array2<T> {
        std::mem::take(&mut ManuallyDrop::new(self).matrix)
    }
}

impl<T: Scalar> Deref for Loan<'_, T> {
    type Target = Array2<T>;

    fn deref(&self) -> &Array2<T> {
        &self.matrix
    }
}

impl<T: Scalar> DerefMut for Loan<'_, T> {
    fn deref_mut(&mut self) -> &mut Array2<T> {
        &mut self.matrix
    }
}

impl<T: Scalar> Drop for Loan<'_, T> {
    fn drop(&mut self) {
        self.owner.recycle_matrix(std::mem::take(&mut self.matrix));
    }
}

/// The products of [`gram`], and fresh memory.
pub struct PlainProducts;

impl<T: Scalar> Products<T> for PlainProducts {
    fn gram(&self, f: &Array3<T>) -> Array2<T> {
        gram::forward(f)
    }

    fn add_gram_backward(&self, f: &Array3<T>, dg: &Array2<T>, scale: T, df: &mut Array3<T>) {
        gram::add_backward(f, dg, scale, df);
    }

    fn product(&self, a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T> {
        let product = a.dot(&b);
        // That of a column and a row may come with its columns side by side.
        if product.is_standard_layout() {
            product
        } else {
            product.as_standard_layout().into_owned()
        }
    }
}
