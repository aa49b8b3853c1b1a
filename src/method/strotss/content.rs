//! The content loss: the [`self_similarity`] of the picture against the photograph's, at the positions that the style loss looks at
//! in the same iteration.

use super::hypercolumns::{self, Scatter};
use super::{Sampling, self_similarity};
use crate::method::Scalar;
use crate::method::loss::{JointBackward, JointLoss, Loan, Products};
use ndarray::Array3;
use std::sync::Arc;

/// The loss that is small where positions of the picture resemble each other as those of the photograph do. Its arrays are the
/// picture, and the activations of the layers.
pub struct SelfSimilarity<T> {
    sampling: Sampling<T>,
    photograph: Vec<Arc<Array3<T>>>,
}

impl<T: Scalar> SelfSimilarity<T> {
    /// The loss against the photograph: its pixels and the activations of the layers. It looks at the positions that `sampling`
    /// says.
    pub fn new(sampling: Sampling<T>, photograph: Vec<Arc<Array3<T>>>) -> Self {
        Self {
            sampling,
            photograph,
        }
    }
}

impl<T: Scalar> JointLoss<T> for SelfSimilarity<T> {
    fn forward<'a>(
        &'a self,
        arrays: &[&Array3<T>],
        iteration: u64,
        products: &'a dyn Products<T>,
    ) -> (f64, Box<dyn JointBackward<T> + 'a>) {
        let (height, width, _) = arrays[0].dim();
        let own = self.photograph[0].dim();
        assert_eq!(
            arrays[0].dim(),
            own,
            "the photograph has the picture's size"
        );
        let photograph: Vec<_> = self.photograph.iter().map(|f| &**f).collect();
        let positions = self.sampling.positions(iteration, (height, width));
        let [x, photograph] = [arrays, &photograph].map(|arrays| {
            let mean = self.sampling.mean;
            let vectors = hypercolumns::forward(arrays, &positions, mean, products);
            Loan::new(vectors, products)
        });
        let (value, dx) =
            self_similarity::value_and_gradient(x.view(), photograph.view(), products);
        let dx = Loan::new(dx, products);
        (value, Box::new(Scatter::new(dx, positions, arrays)))
    }
}
