//! A network that repeats a picture's edges.

use crate::common::{TINY, random_weights};
use impasto::engine::EngineKind;
use impasto::method::{Padding, Pooling};
use impasto::network::Network;
use ndarray::Array3;

/// A picture that goes on beyond its edges looks to the first layer as if they were not there.
#[test]
fn a_network_that_repeats_edges_sees_none_in_a_picture_of_one_color() {
    let weights = random_weights(TINY, 20);
    for engine in [EngineKind::Reference, EngineKind::default()] {
        let network =
            |engine| Network::<f64>::new(&weights, Pooling::Max, Padding::Zero, 1, engine);
        let (zero, repeated) = (
            network(engine.build()),
            network(engine.build()).replicating_edges(),
        );
        let gray = Array3::from_elem((5, 6, 3), 0.7);
        let spread = |network: &Network<f64>| {
            let activations = network.forward(&network.steps([0]), &gray);
            let f = activations.of(0);
            let first = f.slice(ndarray::s![..1, ..1, ..]).to_owned();
            (f - &first).mapv(f64::abs).sum()
        };
        assert!(spread(&zero) > 1e-3 && spread(&repeated) < 1e-12);
    }
}
