//! The classic recipe's whole objective, from the pixels down to conv5_1 and back.

use crate::common::{distance, inner, on_one_thread, random, random_weights};
use impasto::engine::{Cpu, Engine, EngineKind, Fast, SimdScalar};
use impasto::method::{Padding, Pooling, Scalar, StyleLossKind};
use impasto::network::Network;
use impasto::objective::{Compared, Objective, Region, Style, Tap, Targets};
use impasto::picture::{Picture, SizeRequest};
use impasto::vgg::{Architecture, VGG19};
use impasto::weights::{Source, Weights};
use ndarray::Array3;
use std::path::Path;
use std::sync::Arc;

/// The network to conv5_1, the deepest layer of the classic recipe.
fn network<T: Scalar>(weights: &Weights, engine: Arc<dyn Engine<T>>) -> Network<T> {
    let depth = weights.architecture().find("conv5_1").unwrap() + 1;
    Network::new(weights, Pooling::Average, Padding::Zero, depth, engine)
}

/// The objective of the classic recipe for a photograph and a painting.
fn classic<T: Scalar>(
    network: &Network<T>,
    architecture: Architecture,
    [content, style]: [&Array3<f64>; 2],
) -> Objective<T> {
    let tap = |name: &str, weight| Tap {
        layer: architecture.find(name).unwrap(),
        weight,
    };
    let taps = [
        tap("conv1_1", 0.5),
        tap("conv2_1", 1.0),
        tap("conv3_1", 1.5),
        tap("conv4_1", 3.0),
        tap("conv5_1", 4.0),
    ];
    let [content, painting] = [content, style].map(|picture| picture.mapv(T::of));
    Objective::new(
        network,
        Targets {
            content: Some((&content, &[tap("conv4_2", 0.01)])),
            regions: &[Region::everywhere(vec![Style::whole(painting)])],
            style_taps: &taps,
            compared: Compared::Layers,
            style_loss: StyleLossKind::Gram,
            tv_weight: 0.0,
            tv_diagonals: 0.0,
            normalize: false,
        },
    )
}

/// The photograph, the painting, and the picture at which the gradient is computed.
type Pictures = [Array3<f64>; 3];

fn noise() -> Pictures {
    [5, 6, 7].map(|seed| random((45, 58, 3), seed).mapv(|x: f64| 110.0 * x))
}

fn paintings(size: &str) -> Pictures {
    let open = |name: &str| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("data")
            .join(name);
        let (picture, _) = Picture::open(&file).unwrap();
        let size: SizeRequest = size.parse().unwrap();
        picture
            .fit(size.of(picture.size()))
            .to_array()
            .mapv(f64::from)
    };
    let content = open("content/chelsea.jpg");
    let noise = random::<f64, _, _>(content.dim(), 8);
    // Like the first picture of a run with the classic recipe.
    let start = &content * 0.4 + &noise * 12.0;
    [content, open("style/starry_night.jpg"), start]
}

/// What one network computes for three pictures.
struct Computed<T> {
    loss: f64,
    /// The gradient of the loss with respect to the pixels.
    gradient: Array3<T>,
    /// The outputs of all layers.
    outputs: Vec<Array3<T>>,
}

fn compute<T: SimdScalar>(
    network: &Network<T>,
    architecture: Architecture,
    [content, style, x]: &Pictures,
) -> Computed<T> {
    let x = x.mapv(T::of);
    let objective = classic(network, architecture, [content, style]);
    let (losses, gradient) = objective.evaluate(network, &x);
    let layers = 0..network.depth();
    let activations = network.forward(&network.steps(layers.clone()), &x);
    Computed {
        loss: losses.total(),
        gradient,
        outputs: layers.map(|layer| activations.of(layer).clone()).collect(),
    }
}

/// How many outputs are above 0 in one network and not in the other.
fn flipped(ours: &[Array3<f32>], theirs: &[Array3<f64>]) -> usize {
    let pairs = ours.iter().flatten().zip(theirs.iter().flatten());
    pairs.filter(|(a, b)| (**a > 0.0) != (**b > 0.0)).count()
}

/// Compares each engine with the reference in f64, on all these pictures. Each network is built once: to transform its kernels
/// takes longer than to compute these pictures.
///
/// In f32 a sum near 0 may come out on the other side of a ReLU's kink. Then the right gradient is a different one. A deep layer
/// has a few thousand outputs, so one such sum shows. Where there is none, only rounding is left.
fn compare_with_the_reference(weights: &Weights, pictures: &[Pictures]) {
    let architecture = weights.architecture();
    let name = architecture.name;
    let reference = network::<f64>(weights, EngineKind::Reference.build());
    let expected: Vec<_> = (pictures.iter())
        .map(|on| compute(&reference, architecture, on))
        .collect();
    let fast = network::<f64>(weights, EngineKind::default().build());
    for (on, expected) in pictures.iter().zip(&expected) {
        let ours = compute(&fast, architecture, on);
        assert!((ours.loss / expected.loss - 1.0).abs() < 1e-12);
        let error = distance(&ours.gradient, &expected.gradient);
        assert!(error < 1e-11, "{name}, f64: {error:e}");
    }
    let cpus = Cpu::all().into_iter().map(EngineKind::Fast);
    for engine in cpus.chain([EngineKind::Reference]) {
        let network = network::<f32>(weights, engine.build());
        for (on, expected) in pictures.iter().zip(&expected) {
            let ours = compute(&network, architecture, on);
            assert!((ours.loss / expected.loss - 1.0).abs() < 1e-5);
            let error = distance(&ours.gradient, &expected.gradient);
            let flipped = flipped(&ours.outputs, &expected.outputs);
            let case = format!("{name}, {engine:?}: {error:e}, {flipped} flipped");
            println!("{case}");
            let bound = if flipped == 0 { 1e-5 } else { 1e-3 };
            assert!(error < bound, "{case}");
            assert!(flipped <= 10, "{case}");
        }
    }
}

fn real_weights() -> Weights {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/vgg16.safetensors");
    Weights::load(&Source::File(file.into())).unwrap()
}

#[test]
fn the_gradient_of_the_whole_objective_agrees_with_the_reference() {
    compare_with_the_reference(&random_weights(VGG19, 8), &[noise()]);
    compare_with_the_reference(&real_weights(), &[noise(), paintings("96x72")]);
}

/// In f32 a loss has seven digits. The steps must be so long that the difference of two losses has three. Along the gradient the
/// loss changes most, so such steps are still short enough.
#[test]
fn in_single_precision_the_gradient_is_the_slope_of_the_loss() {
    let weights = real_weights();
    for cpu in Cpu::all() {
        let [content, style, x] = noise();
        let network = network::<f32>(&weights, Arc::new(Fast::new(cpu)));
        let objective = classic(&network, weights.architecture(), [&content, &style]);
        let x = x.mapv(|x| x as f32);
        let gradient = objective.evaluate(&network, &x).1.mapv(f64::from);
        let length = inner(&gradient, &gradient).sqrt();
        let along = gradient.mapv(|g| (g / length) as f32);
        let loss = |step: f32| {
            objective
                .evaluate(&network, &(&x + &(&along * step)))
                .0
                .total()
        };
        let step = 8.0;
        let slope = (loss(step) - loss(-step)) / (2.0 * f64::from(step));
        let error = (slope / length - 1.0).abs();
        assert!(error < 1e-3, "{cpu}: {error:e}");
    }
}

/// The test runs on one thread. With more, chance decides how many of them work at a time and how many buffers they need.
#[test]
fn later_iterations_reuse_the_buffers_of_the_first_and_have_its_bits() {
    on_one_thread(iterate);
}

fn iterate() {
    let [content, style, x] = noise();
    let x = x.mapv(|x| x as f32);
    let engine = Fast::new(Cpu::widest());
    let shared = Arc::new(engine.clone());
    let weights = real_weights();
    let network = network::<f32>(&weights, shared);
    let objective = classic(&network, weights.architecture(), [&content, &style]);
    let evaluate = || {
        let (losses, gradient) = objective.evaluate(&network, &x);
        let bits: Vec<u32> = gradient.iter().map(|g| g.to_bits()).collect();
        network.engine().recycle(gradient);
        (losses, bits)
    };
    let first = evaluate();
    let allocated = engine.allocated_bytes();
    assert!(allocated > 1_000_000);
    for _ in 0..3 {
        assert!(evaluate() == first);
    }
    assert_eq!(engine.allocated_bytes(), allocated);
}
