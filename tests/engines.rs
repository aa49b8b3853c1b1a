//! The fast engine against the reference.

mod common;

use common::{distance, random, random_weights};
use impasto::loss::{Objective, Tap};
use impasto::network::Network;
use impasto::ops::Scalar;
use impasto::ops::conv::{Conv, Engine};
use impasto::ops::pool::Pooling;
use impasto::vgg::{Architecture, VGG16, VGG19};
use impasto::weights::Weights;
use ndarray::{Array1, Array3, Array4};

/// The relative errors, forward and backward, of the fast engine in `T` against the reference in f64.
fn errors<T: Scalar>((h, w): (usize, usize), (cin, cout): (usize, usize)) -> [f64; 2] {
    let kernel: Array4<f64> = random((3, 3, cin, cout), 1);
    let bias: Array1<f64> = random(cout, 2);
    // As after a ReLU: nothing below 0.
    let x = random((h, w, cin), 3).mapv(|x: f64| x.max(0.0));
    let dy: Array3<f64> = random((h, w, cout), 4);
    let reference = Conv::new(&kernel, bias.clone(), Engine::Reference);
    let fast = Conv::<T>::new(&kernel.mapv(T::of), bias.mapv(T::of), Engine::Fast);
    [
        distance(&fast.forward(&x.mapv(T::of)), &reference.forward(&x)),
        distance(&fast.backward(&dy.mapv(T::of)), &reference.backward(&dy)),
    ]
}

/// Below one tile, one and several tiles with every remainder, several parts; channels that fill the lanes and that do not.
const SIZES: [(usize, usize); 11] = [
    (1, 1),
    (1, 9),
    (7, 1),
    (2, 3),
    (4, 4),
    (5, 6),
    (8, 7),
    (11, 13),
    (3, 50),
    (33, 18),
    (64, 61),
];
const CHANNELS: [(usize, usize); 6] =
    [(16, 16), (17, 33), (64, 64), (64, 128), (32, 20), (128, 64)];

#[test]
fn in_double_precision_both_engines_agree_to_rounding() {
    for size in SIZES {
        for channels in CHANNELS {
            for error in errors::<f64>(size, channels) {
                assert!(error < 1e-14, "{size:?} {channels:?}: {error:e}");
            }
        }
    }
}

/// Winograd's transforms with these points lose about six times what a direct sum does, whose error is 2e-7.
#[test]
fn in_single_precision_the_fast_engine_loses_little() {
    for size in SIZES {
        for channels in CHANNELS {
            for error in errors::<f32>(size, channels) {
                assert!(error < 2e-6, "{size:?} {channels:?}: {error:e}");
            }
        }
    }
}

#[test]
fn a_layer_of_several_parts_is_computed_as_one() {
    // More tiles times channels than are held at once.
    for error in errors::<f32>((260, 300), (64, 64)) {
        assert!(error < 2e-6, "{error:e}");
    }
}

/// Losses and pixel gradient of the classic recipe, the deepest layer included.
fn gradient<T: Scalar>(weights: &Weights, engine: Engine) -> (f64, Array3<T>) {
    let architecture = weights.architecture();
    let tap = |name: &str, weight| Tap {
        layer: architecture.find(name).unwrap(),
        weight,
    };
    let style = [
        tap("conv1_1", 0.5),
        tap("conv2_1", 1.0),
        tap("conv3_1", 1.5),
        tap("conv4_1", 3.0),
        tap("conv5_1", 4.0),
    ];
    let depth = architecture.find("conv5_1").unwrap() + 1;
    let network = Network::<T>::new(weights, Pooling::Average, depth, engine);
    let picture = |seed| random((45, 58, 3), seed).mapv(|x: f64| T::of(110.0 * x));
    let objective = Objective::new(
        &network,
        (&picture(5), &[tap("conv4_2", 0.01)]),
        (&picture(6), &style),
        0.0,
    );
    let (losses, gradient) = objective.evaluate(&network, &picture(7));
    (losses.total(), gradient)
}

fn whole_objective(architecture: Architecture, weights: Weights) {
    assert_eq!(weights.architecture(), architecture);
    let (loss, reference) = gradient::<f64>(&weights, Engine::Reference);
    let (loss64, gradient64) = gradient::<f64>(&weights, Engine::Fast);
    assert!((loss64 / loss - 1.0).abs() < 1e-12);
    let error = distance(&gradient64, &reference);
    assert!(error < 1e-11, "{}, f64: {error:e}", architecture.name);
    let (loss32, gradient32) = gradient::<f32>(&weights, Engine::Fast);
    assert!((loss32 / loss - 1.0).abs() < 1e-4);
    let error = distance(&gradient32, &reference);
    assert!(error < 1e-4, "{}, f32: {error:e}", architecture.name);
}

#[test]
fn the_gradient_of_the_whole_objective_is_that_of_the_reference() {
    whole_objective(VGG19, random_weights(VGG19, 8));
    let bytes = std::fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/data/vgg16.safetensors"
    ));
    let real = Weights::from_safetensors(&bytes.unwrap(), "VGG-16").unwrap();
    whole_objective(VGG16, real);
}
