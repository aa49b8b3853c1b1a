//! The content loss: the [`self_similarity`] of the picture against the photograph's, at the positions that the style loss looks at
//! in the same iteration.

use super::hypercolumns::Hypercolumns;
use super::{Sampling, self_similarity};
use crate::method::Scalar;
use crate::method::loss::{JointBackward, JointForward, JointLoss, Loan, Products};
use ndarray::Array3;

/// The loss that is small where positions of the picture resemble each other as those of the photograph do. Its arrays are the
/// picture, and the activations of the layers.
pub struct SelfSimilarity<T: Scalar> {
    sampling: Sampling<T>,
    /// All of it, in [fewer bits](Scalar::Short): every iteration looks at other positions.
    photograph: Vec<Array3<T::Short>>,
}

impl<T: Scalar> SelfSimilarity<T> {
    /// A loss that looks at the positions that `sampling` says, and has not read the photograph.
    pub fn new(sampling: Sampling<T>) -> Self {
        Self {
            sampling,
            photograph: Vec::new(),
        }
    }

    /// Reads the photograph's next array, which may be gone afterwards: first its pixels, then the activations of the layers.
    pub fn read(&mut self, f: &Array3<T>) {
        self.photograph.push(f.mapv(T::to_short));
    }
}

impl<T: Scalar> JointLoss<T> for SelfSimilarity<T> {
    fn begin<'a>(
        &'a self,
        size: (usize, usize),
        iteration: u64,
        products: &'a dyn Products<T>,
    ) -> Box<dyn JointForward<'a, T> + 'a> {
        let (height, width, _) = self.photograph[0].dim();
        assert_eq!(
            size,
            (height, width),
            "the photograph has the picture's size"
        );
        let positions = self.sampling.positions(iteration, size);
        let channels = self.photograph.iter().map(|f| f.dim().2).sum();
        let mean = self.sampling.mean;
        let mut photograph = Hypercolumns::new(positions.clone(), size, channels, products);
        for f in &self.photograph {
            photograph.read(f, T::from_short, mean);
        }
        Box::new(Forward {
            picture: Hypercolumns::new(positions, size, channels, products),
            photograph,
            mean,
            products,
        })
    }
}

/// The vectors of the picture, while they are read, and those of the photograph.
struct Forward<'a, T: Scalar> {
    picture: Hypercolumns<'a, T>,
    photograph: Hypercolumns<'a, T>,
    mean: [f64; 3],
    products: &'a dyn Products<T>,
}

impl<'a, T: Scalar> JointForward<'a, T> for Forward<'a, T> {
    fn read(&mut self, _: usize, f: &Array3<T>) {
        self.picture.read(f, |f| f, self.mean);
    }

    fn finish(self: Box<Self>) -> (f64, Box<dyn JointBackward<T> + 'a>) {
        let (x, photograph) = (self.picture.vectors(), self.photograph.vectors());
        let (value, dx) = self_similarity::value_and_gradient(x, photograph, self.products);
        let dx = Loan::new(dx, self.products);
        (value, Box::new(self.picture.back(dx)))
    }
}
