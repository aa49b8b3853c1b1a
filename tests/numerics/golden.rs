//! Compares the engines with values that PyTorch computed. `golden/make_golden.py` wrote them.

use crate::common::{TINY, distance, golden, golden_array, tiny_weights};
use impasto::engine::{Cpu, EngineKind, SimdScalar};
use impasto::method::{Adam, BigArray, Padding, Pooling, Scalar, StyleLossKind};
use impasto::network::Network;
use impasto::objective::{Compared, Losses, Objective, Region, Style, Tap, Targets};
use ndarray::Array3;

static FIXTURE: &[u8] = include_bytes!("../golden/golden.safetensors");

/// The same layers, weights and numbers as in the script.
const CONTENT: [(&str, f64); 2] = [("conv2_2", 1.0), ("pool1", 0.5)];
const STYLE: [(&str, f64); 4] = [
    ("conv1_1", 0.5),
    ("pool1", 1.0),
    ("conv2_1", 1.5),
    ("conv3_1", 4.0),
];
const CONTENT_WEIGHT: f64 = 3.0;
const STYLE_WEIGHT: f64 = 20.0;
const TV_WEIGHT: f64 = 1e-3;
const LEARNING_RATE: f64 = 2.0;
const STEPS: usize = 10;

fn array<T: Scalar>(name: &str) -> Array3<T> {
    golden_array(FIXTURE, name)
}

fn network<T: SimdScalar>(pooling: Pooling, engine: EngineKind) -> Network<T> {
    let weights = tiny_weights(FIXTURE).unwrap().weights;
    Network::new(
        &weights,
        pooling,
        Padding::Zero,
        weights.depth(),
        engine.build(),
    )
}

fn objective<T: Scalar>(network: &Network<T>) -> Objective<T> {
    let taps = |layers: &[(&str, f64)], overall: f64| -> Vec<Tap> {
        let tap = |&(name, weight): &(&str, f64)| Tap {
            layer: TINY.find(name).unwrap(),
            weight: overall * weight,
        };
        layers.iter().map(tap).collect()
    };
    Objective::new(
        network,
        Targets {
            content: Some((&array("content"), &taps(&CONTENT, CONTENT_WEIGHT))),
            regions: &[Region::everywhere(vec![Style::whole(array("style"))])],
            style_taps: &taps(&STYLE, STYLE_WEIGHT),
            compared: Compared::Layers,
            style_loss: StyleLossKind::Gram,
            tv_weight: TV_WEIGHT,
            tv_diagonals: 0.0,
            normalize: false,
        },
    )
}

/// Compares all values of the fixture with what `engine` computes in `T`. `bound` is the largest relative error.
fn compare<T: SimdScalar>(engine: EngineKind, bound: f64) {
    for (name, pooling) in [("avg", Pooling::Average), ("max", Pooling::Max)] {
        let network = network::<T>(pooling, engine);
        let x = array::<T>("start");

        let layers = TINY.layers();
        let activations = network.forward(&network.steps(0..layers.len()), &x);
        for (layer, spec) in layers.iter().enumerate() {
            let expected = array(&format!("{name}.activations.{}", spec.name));
            let error = distance(activations.of(layer), &expected);
            assert!(error <= bound, "{name} {}: {error:e}", spec.name);
        }

        let objective = objective(&network);
        let (_, gradient) = objective.evaluate(&network, &x);
        let error = distance(&gradient, &array(&format!("{name}.gradient")));
        assert!(error <= bound, "{name} gradient: {error:e}");

        let (shape, expected) = golden(FIXTURE, &format!("{name}.losses"));
        assert_eq!(shape, [STEPS, 3]);
        let mut x = BigArray::from(x);
        let mut adam = Adam::new(&x, LEARNING_RATE);
        for (step, expected) in expected.chunks(3).enumerate() {
            let (losses, gradient) = objective.evaluate(&network, &x.to_array());
            let Losses { content, style, tv } = losses;
            for (ours, theirs) in [content, style, tv].into_iter().zip(expected) {
                let error = (ours / theirs - 1.0).abs();
                assert!(error <= bound, "{name} losses at step {step}: {error:e}");
            }
            adam.step(&mut x, &gradient.into());
        }
        let error = distance(&x.to_array(), &array(&format!("{name}.painted")));
        assert!(error <= bound, "{name} after ten steps: {error:e}");
    }
}

#[test]
fn in_double_precision_everything_agrees_with_pytorch() {
    compare::<f64>(EngineKind::Reference, 1e-12);
    compare::<f64>(EngineKind::default(), 1e-12);
}

/// Single precision has a relative rounding error of 6e-8. Sums of hundreds of terms in several layers raise it to about 1e-6. Adam
/// divides by the size of the gradient, so that an error in a small gradient counts as much as one in a large gradient.
#[test]
fn in_single_precision_everything_agrees_with_pytorch() {
    compare::<f32>(EngineKind::Reference, 2e-5);
    for cpu in Cpu::all() {
        compare::<f32>(EngineKind::Fast(cpu), 2e-5);
    }
}
