//! The fast engine against the reference, with every instruction set that this machine has.

use crate::common::{distance, inner, random, random_weights};
use impasto::engine::fast::FastConv;
use impasto::engine::{Cpu, Engine, EngineKind, Fast, SimdScalar};
use impasto::method::{Padding, Pooling, Products, Scalar, StyleLossKind};
use impasto::method::{conv, gram, pool, relu};
use impasto::network::Network;
use impasto::objective::{Objective, Region, Style, Tap, Targets};
use impasto::picture::{Picture, SizeRequest};
use impasto::vgg::{LayerKind, VGG16, VGG19};
use impasto::weights::{Source, Weights};
use ndarray::{Array1, Array2, Array3, Array4};
use std::path::Path;
use std::sync::Arc;

/// The relative errors of the fast engine in `T` against the plain method in f64: forward and backward, without and with the ReLU
/// and the pooling that may follow.
fn errors<T: SimdScalar>(
    (h, w): (usize, usize),
    (cin, cout): (usize, usize),
    padding: Padding,
    cpu: Cpu,
) -> [(&'static str, f64); 6] {
    let kernel: Array4<f64> = random((3, 3, cin, cout), 1);
    let mut bias: Array1<f64> = random(cout, 2);
    bias[0] = 6.0; // so that an output is above 0 in the smallest case too
    // As after a ReLU: nothing below 0.
    let x = random((h, w, cin), 3).mapv(|x: f64| x.max(0.0));
    let dy: Array3<f64> = random((h, w, cout), 4);
    let dp: Array3<f64> = random((h.div_ceil(2), w.div_ceil(2), cout), 5);
    let (fast_kernel, fast_bias) = (kernel.mapv(T::of), bias.mapv(T::of));
    let fast = FastConv::new(&fast_kernel, &fast_bias, padding, &Fast::new(cpu));
    let [tx, tdy, tdp] = [&x, &dy, &dp].map(|a| a.mapv(T::of));

    let linear = conv::forward(&x, &kernel, &bias, padding);
    let y = relu::forward(linear.clone());
    let (ty, mask) = fast.forward_relu(&tx);
    let (tp, pool_mask) = fast.forward_relu_pool(&tx);
    // The plain method goes back with the signs of the fast engine's outputs: next to 0 its own may differ.
    let signs = ty.mapv(T::as_f64);
    let plain_back = |dy: &Array3<f64>| conv::backward(dy, &kernel, padding);
    let dy_relu = relu::backward(&signs, &dy);
    let dp_relu = relu::backward(&signs, &pool::backward(Pooling::Average, &y, &dp));
    [
        ("forward", distance(&fast.forward(&tx), &linear)),
        ("backward", distance(&fast.backward(&tdy), &plain_back(&dy))),
        ("relu", distance(&ty, &y)),
        (
            "relu's backward",
            distance(&fast.backward_relu(&tdy, &mask), &plain_back(&dy_relu)),
        ),
        ("pool", distance(&tp, &pool::forward(Pooling::Average, &y))),
        (
            "pool's backward",
            distance(
                &fast.backward_relu_pool(&tdp, &pool_mask),
                &plain_back(&dp_relu),
            ),
        ),
    ]
}

/// Below one tile, one and several tiles with every remainder, several blocks.
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

const PADDINGS: [Padding; 2] = [Padding::Zero, Padding::Circular];

/// Channels that fill vectors and panels and that do not; too few for Winograd's algorithm on either side.
const CHANNELS: [(usize, usize); 8] = [
    (16, 16),
    (17, 33),
    (64, 64),
    (64, 128),
    (32, 20),
    (3, 64),
    (20, 7),
    (5, 3),
];

#[test]
fn in_double_precision_both_engines_agree_to_rounding() {
    for size in SIZES {
        for channels in CHANNELS {
            for padding in PADDINGS {
                for (what, error) in errors::<f64>(size, channels, padding, Cpu::widest()) {
                    assert!(
                        error < 1e-14,
                        "{padding:?} {size:?} {channels:?} {what}: {error:e}"
                    );
                }
            }
        }
    }
}

/// Winograd's transforms with these points lose about six times what a direct sum does, whose error is 2e-7: 1.3e-6 with 256
/// channels. Rounding errors add up as steps of a random walk do, with the root of the number of products.
fn bound((cin, cout): (usize, usize)) -> f64 {
    2e-6 * (cin.max(cout).max(256) as f64 / 256.0).sqrt()
}

#[test]
fn in_single_precision_the_fast_engine_loses_little() {
    for cpu in Cpu::all() {
        for size in SIZES {
            for channels in CHANNELS {
                for padding in PADDINGS {
                    for (what, error) in errors::<f32>(size, channels, padding, cpu) {
                        assert!(
                            error < bound(channels),
                            "{cpu} {padding:?} {size:?} {channels:?} {what}: {error:e}"
                        );
                    }
                }
            }
        }
    }
}

/// All channels as they are, so that every way through the engine is taken; the positions are few.
#[test]
fn every_layer_of_both_networks_is_that_of_the_reference() {
    let mut shapes: Vec<_> = [VGG16, VGG19]
        .iter()
        .flat_map(|network| network.layers())
        .filter_map(|spec| match spec.kind {
            LayerKind::Conv { inputs, outputs } => Some((inputs, outputs)),
            LayerKind::Pool => None,
        })
        .collect();
    shapes.sort();
    shapes.dedup();
    assert_eq!(shapes.len(), 8);
    for channels in shapes {
        for cpu in Cpu::all() {
            for (what, error) in errors::<f32>((15, 10), channels, Padding::Zero, cpu) {
                assert!(
                    error < bound(channels),
                    "{cpu} {channels:?} {what}: {error:e}"
                );
            }
        }
    }
}

/// The same, in f64: also the kernels that are turned for the way back while they are multiplied.
#[test]
fn the_largest_layers_are_those_of_the_reference_in_double_precision() {
    for channels in [(256, 512), (512, 512)] {
        for (what, error) in errors::<f64>((9, 6), channels, Padding::Zero, Cpu::widest()) {
            assert!(error < 1e-14, "{channels:?} {what}: {error:e}");
        }
    }
}

#[test]
fn a_layer_of_several_blocks_is_computed_as_one() {
    // More tiles times channels than are held at once, by one thread and by all together.
    for (size, channels) in [((260, 300), (64, 64)), ((100, 110), (256, 512))] {
        for padding in PADDINGS {
            for (what, error) in errors::<f32>(size, channels, padding, Cpu::widest()) {
                assert!(
                    error < bound(channels),
                    "{padding:?} {channels:?} {what}: {error:e}"
                );
            }
        }
    }
}

#[test]
fn gram_matrices_and_their_gradients_are_those_of_the_reference() {
    for cpu in Cpu::all() {
        let fast = Fast::new(cpu);
        for (h, w, channels) in [
            (1, 1, 3),
            (7, 9, 17),
            (70, 67, 64),
            (5, 40, 96),
            (9, 8, 512),
        ] {
            let f: Array3<f64> = random((h, w, channels), 1);
            let tf = f.mapv(|x| x as f32);
            let as_layer = |g: Array2<f64>| g.insert_axis(ndarray::Axis(0));
            let (expected, g) = (gram::forward(&f), fast.gram(&tf));
            assert_eq!(g, g.t(), "symmetric to the last bit");
            let error = distance(&as_layer(g.mapv(f64::from)), &as_layer(expected));
            assert!(error < 1e-6, "{cpu} {h}x{w}x{channels}: {error:e}");

            let any: Array2<f64> = random((channels, channels), 2);
            let dg = &any + &any.t();
            let mut df = random((h, w, channels), 3);
            let mut tdf = df.mapv(|x: f64| x as f32);
            gram::add_backward(&f, &dg, 0.25, &mut df);
            fast.add_gram_backward(&tf, &dg.mapv(|x| x as f32), 0.25, &mut tdf);
            let error = distance(&tdf, &df);
            assert!(error < 1e-6, "{cpu} {h}x{w}x{channels}: {error:e}");
        }
    }
}

/// Network and objective of the classic recipe, the deepest layer included, for pictures of content and style.
fn classic<T: Scalar>(
    weights: &Weights,
    engine: Arc<dyn Engine<T>>,
    [content, style]: [&Array3<f64>; 2],
) -> (Network<T>, Objective<T>) {
    let architecture = weights.architecture();
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
    let depth = architecture.find("conv5_1").unwrap() + 1;
    let network = Network::<T>::new(weights, Pooling::Average, Padding::Zero, depth, engine);
    let [content, painting] = [content, style].map(|picture| picture.mapv(T::of));
    let objective = Objective::new(
        &network,
        Targets {
            content: Some((&content, &[tap("conv4_2", 0.01)])),
            regions: &[Region::everywhere(vec![Style::whole(painting)])],
            style_taps: &taps,
            style_loss: StyleLossKind::Gram,
            tv_weight: 0.0,
            normalize: false,
        },
    );
    (network, objective)
}

/// Content, style, and where the gradient is taken.
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
    // As the classic recipe begins.
    let start = &content * 0.4 + &noise * 12.0;
    [content, open("style/starry_night.jpg"), start]
}

/// Losses and pixel gradient of the classic recipe.
fn gradient<T: SimdScalar>(
    weights: &Weights,
    engine: EngineKind,
    on: &Pictures,
) -> (f64, Array3<T>) {
    let [content, style, x] = on;
    let (network, objective) = classic(weights, engine.build(), [content, style]);
    let (losses, gradient) = objective.evaluate(&network, &x.mapv(T::of));
    (losses.total(), gradient)
}

/// The outputs of all layers of the classic recipe's network.
fn outputs<T: SimdScalar>(
    weights: &Weights,
    engine: EngineKind,
    x: &Array3<f64>,
) -> Vec<Array3<T>> {
    let depth = weights.architecture().find("conv5_1").unwrap() + 1;
    let built = engine.build();
    let network = Network::<T>::new(weights, Pooling::Average, Padding::Zero, depth, built);
    let activations = network.forward(&network.steps(0..depth), &x.mapv(T::of));
    (0..depth)
        .map(|layer| activations.of(layer).clone())
        .collect()
}

/// How many outputs are above 0 in the one and not in the other.
fn flipped(ours: &[Array3<f32>], theirs: &[Array3<f64>]) -> usize {
    let pairs = ours.iter().flatten().zip(theirs.iter().flatten());
    pairs.filter(|(a, b)| (**a > 0.0) != (**b > 0.0)).count()
}

/// In f32 a sum next to 0 may come out on the other side of a ReLU's kink. Then the gradient is another one, rightly so, and one
/// such place among the few thousand of a deep layer shows. Where there is none, only rounding is left.
fn whole_objective(weights: &Weights, on: &Pictures) {
    let name = weights.architecture().name;
    let (loss, reference) = gradient::<f64>(weights, EngineKind::Reference, on);
    let (loss64, gradient64) = gradient::<f64>(weights, EngineKind::default(), on);
    assert!((loss64 / loss - 1.0).abs() < 1e-12);
    let error = distance(&gradient64, &reference);
    assert!(error < 1e-11, "{name}, f64: {error:e}");
    let theirs = outputs(weights, EngineKind::Reference, &on[2]);
    let cpus = Cpu::all().into_iter().map(EngineKind::Fast);
    for engine in cpus.chain([EngineKind::Reference]) {
        let (loss32, gradient32) = gradient::<f32>(weights, engine, on);
        assert!((loss32 / loss - 1.0).abs() < 1e-5);
        let error = distance(&gradient32, &reference);
        let flipped = flipped(&outputs(weights, engine, &on[2]), &theirs);
        println!("{name}, {engine:?}: {error:e}, {flipped} flipped");
        let most = if flipped == 0 { 1e-5 } else { 1e-3 };
        assert!(
            error < most,
            "{name}, {engine:?}: {error:e}, {flipped} flipped"
        );
        assert!(flipped <= 10, "{name}, {engine:?}: {flipped} flipped");
    }
}

fn real_weights() -> Weights {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/data/vgg16.safetensors");
    Weights::load(&Source::File(file.into())).unwrap()
}

#[test]
fn the_gradient_of_the_whole_objective_is_that_of_the_reference() {
    whole_objective(&random_weights(VGG19, 8), &noise());
    whole_objective(&real_weights(), &noise());
    whole_objective(&real_weights(), &paintings("96x72"));
}

/// In f32 a loss has seven digits, and steps must be so long that their difference has three; along the gradient, where the
/// loss changes most, that is still short enough.
#[test]
fn in_single_precision_the_gradient_is_the_slope_of_the_loss() {
    let weights = real_weights();
    for cpu in Cpu::all() {
        let [content, style, x] = noise();
        let (network, objective) =
            classic::<f32>(&weights, Arc::new(Fast::new(cpu)), [&content, &style]);
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

/// On one thread: with several it depends on chance how many of them work at a time.
#[test]
fn iterations_after_the_first_use_its_buffers_again_and_change_nothing() {
    let one = rayon::ThreadPoolBuilder::new().num_threads(1).build();
    one.unwrap().install(iterate);
}

fn iterate() {
    let [content, style, x] = noise();
    let x = x.mapv(|x| x as f32);
    let engine = Fast::new(Cpu::widest());
    let shared = Arc::new(engine.clone());
    let (network, objective) = classic::<f32>(&real_weights(), shared, [&content, &style]);
    let evaluate = || {
        let (losses, gradient) = objective.evaluate(&network, &x);
        let bits: Vec<u32> = gradient.iter().map(|g| g.to_bits()).collect();
        network.engine().recycle(gradient);
        (losses, bits)
    };
    let first = evaluate();
    let asked = engine.allocated_bytes();
    assert!(asked > 1_000_000);
    for _ in 0..3 {
        assert!(evaluate() == first);
    }
    assert_eq!(engine.allocated_bytes(), asked);
}
