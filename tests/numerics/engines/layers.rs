//! Layer by layer: convolutions with what may follow them, and Gram matrices.

use crate::common::{distance, random};
use impasto::engine::fast::FastConv;
use impasto::engine::{ConvRelu, Cpu, Fast, Layer, SimdScalar};
use impasto::method::{Padding, Pooling};
use impasto::method::{Products, conv, gram, pool, relu};
use impasto::vgg::{LayerKind, VGG16, VGG19};
use ndarray::{Array1, Array2, Array3, Array4, Axis};
use std::sync::Arc;

/// The relative errors of the fast engine in `T`, compared with the plain method in f64: forward and backward, of the convolution
/// alone, with its ReLU, and with ReLU and pooling.
fn errors<T: SimdScalar>(
    (h, w): (usize, usize),
    (cin, cout): (usize, usize),
    padding: Padding,
    cpu: Cpu,
) -> [(&'static str, f64); 8] {
    let kernel: Array4<f64> = random((3, 3, cin, cout), 1);
    let mut bias: Array1<f64> = random(cout, 2);
    bias[0] = 6.0; // even in the smallest case an output is above 0
    // Like the output of a ReLU: nothing is below 0.
    let x = random((h, w, cin), 3).mapv(|x: f64| x.max(0.0));
    let dy: Array3<f64> = random((h, w, cout), 4);
    let dp: Array3<f64> = random((h.div_ceil(2), w.div_ceil(2), cout), 5);
    let (fast_kernel, fast_bias) = (kernel.mapv(T::of), bias.mapv(T::of));
    let fast = FastConv::new(&fast_kernel, &fast_bias, padding, &Fast::new(cpu));
    let [tx, tdy, tdp] = [&x, &dy, &dp].map(|a| a.mapv(T::of));

    let linear = conv::forward(&x, &kernel, &bias, padding);
    let y = relu::forward(linear.clone());
    let (ty, mask) = fast.forward_relu(&tx);
    // The plain backward pass uses the signs of the fast engine's outputs. Near 0 its own signs may differ.
    let signs = ty.mapv(T::as_f64);
    let plain_backward = |dy: &Array3<f64>| conv::backward(dy, &kernel, padding);
    let dy_relu = relu::backward(&signs, &dy);
    let [averages, maxima] = [Pooling::Average, Pooling::Max].map(|pooling| {
        let pass = fast.forward_relu_pool(pooling, &tx);
        let dp_relu = relu::backward(&signs, &pool::backward(pooling, &signs, &dp));
        [
            distance(&pass.output, &pool::forward(pooling, &y)),
            distance(&pass.back.backward(&tdp), &plain_backward(&dp_relu)),
        ]
    });
    [
        ("forward", distance(&fast.forward(&tx), &linear)),
        (
            "backward",
            distance(&fast.backward(&tdy), &plain_backward(&dy)),
        ),
        ("relu", distance(&ty, &y)),
        (
            "relu's backward",
            distance(&fast.backward_relu(&tdy, &mask), &plain_backward(&dy_relu)),
        ),
        ("averages", averages[0]),
        ("averages' backward", averages[1]),
        ("maxima", maxima[0]),
        ("maxima's backward", maxima[1]),
    ]
}

/// Pictures smaller than a tile, of one tile, of several tiles with every remainder, and of several blocks. Tiles are of 2×2 outputs if there
/// would be up to 12 of 4×4; with shorter vectors 6, or 3.
const SIZES: [(usize, usize); 13] = [
    (1, 1),
    (1, 9),
    (7, 1),
    (2, 3),
    (4, 4),
    (5, 6),
    (8, 7),
    (11, 13),
    (3, 50),
    (19, 22),
    (13, 31),
    (33, 18),
    (64, 61),
];

const PADDINGS: [Padding; 2] = [Padding::Zero, Padding::Circular];

/// Channels that fill vectors and panels, channels that do not, and too few inputs or outputs for Winograd's algorithm.
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
fn in_double_precision_the_engines_differ_only_by_rounding() {
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

/// With 256 channels a direct sum has an error of 2e-7. With tiles of 4×6, Winograd's transforms make it up to eight times as large, 1.6e-6.
/// Rounding errors add up like the steps of a random walk: with the root of the number of products.
fn bound((cin, cout): (usize, usize)) -> f64 {
    2e-6 * (cin.max(cout).max(256) as f64 / 256.0).sqrt()
}

#[test]
fn in_single_precision_the_fast_engine_is_within_its_error_bound() {
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

/// The layers have all their channels, so that every path through the engine runs. The pictures are small.
#[test]
fn every_layer_of_both_networks_agrees_with_the_reference() {
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
        for size in [(15, 10), (18, 23)] {
            for cpu in Cpu::all() {
                for (what, error) in errors::<f32>(size, channels, Padding::Zero, cpu) {
                    assert!(
                        error < bound(channels),
                        "{cpu} {size:?} {channels:?} {what}: {error:e}"
                    );
                }
            }
        }
    }
}

/// With 256 channels, and without AVX-512 also with fewer, wide pictures have tiles of 4×6. All remainders of both edges occur, and parts of
/// the channels that end within the steps that a product takes at once.
#[test]
fn tiles_of_four_by_six_agree_with_the_reference() {
    for (size, padding, channels) in [
        ((8, 54), Padding::Zero, (256, 256)),
        ((9, 41), Padding::Circular, (256, 256)),
        ((10, 50), Padding::Zero, (256, 256)),
        ((11, 45), Padding::Circular, (256, 256)),
        ((6, 52), Padding::Zero, (256, 256)),
        ((13, 61), Padding::Zero, (256, 256)),
        ((13, 61), Padding::Zero, (128, 128)),
        ((9, 41), Padding::Circular, (128, 256)),
        ((9, 52), Padding::Zero, (130, 131)),
    ] {
        for (what, error) in errors::<f64>(size, channels, padding, Cpu::widest()) {
            assert!(error < 1e-14, "{padding:?} {size:?} {what}: {error:e}");
        }
        for cpu in Cpu::all() {
            for (what, error) in errors::<f32>(size, channels, padding, cpu) {
                assert!(
                    error < bound(channels),
                    "{cpu} {padding:?} {size:?} {what}: {error:e}"
                );
            }
        }
    }
}

/// These kernels are so large that all threads share blocks of tiles.
#[test]
fn the_largest_layers_agree_with_the_reference_in_double_precision() {
    for size in [(4, 11), (9, 6), (18, 14)] {
        for channels in [(256, 512), (512, 512)] {
            for (what, error) in errors::<f64>(size, channels, Padding::Zero, Cpu::widest()) {
                assert!(error < 1e-14, "{size:?} {channels:?} {what}: {error:e}");
            }
        }
    }
}

#[test]
fn a_layer_gives_the_same_bits_after_pictures_of_other_sizes() {
    // Tiles of 2×2, 4×4 and 4×6, with kernels that are stored and kernels that are not.
    let (kernel, bias): (Array4<f32>, _) = (random((3, 3, 256, 256), 1), random(256, 2));
    for cpu in Cpu::all() {
        let engine = Fast::new(cpu);
        let layer = || FastConv::new(&kernel, &bias, Padding::Zero, &engine);
        let same = layer();
        for size in [(6, 8), (19, 22), (70, 61), (6, 8), (19, 22)] {
            let x = random((size.0, size.1, 256), 3);
            let passes = [&same, &layer()].map(|layer| (layer.forward(&x), layer.backward(&x)));
            assert_eq!(passes[0], passes[1], "{cpu} {size:?}");
        }
    }
}

#[test]
fn a_layer_of_several_blocks_agrees_with_the_reference() {
    // More tiles times channels than one thread holds at once, and more than all threads together hold.
    for (size, channels) in [((60, 300), (64, 64)), ((60, 70), (256, 512))] {
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
fn gram_matrices_and_their_gradients_agree_with_the_reference() {
    for cpu in Cpu::all() {
        let fast = Fast::new(cpu);
        for (h, w, channels) in [
            (1, 1, 3),
            (7, 9, 17),
            (30, 20, 40),
            (70, 67, 40),
            (70, 67, 64),
            (5, 40, 96),
            (9, 8, 512),
        ] {
            let f: Array3<f64> = random((h, w, channels), 1);
            let tf = f.mapv(|x| x as f32);
            let as_layer = |g: Array2<f64>| g.insert_axis(Axis(0));
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

            let mut df = Array3::zeros(f.dim());
            gram::add_backward(&f, &dg, 0.25, &mut df);
            let mut tf = tf;
            fast.gram_backward_in_place(&mut tf, &dg.mapv(|x| x as f32), 0.25);
            let error = distance(&tf.mapv(f64::from), &df);
            assert!(error < 1e-6, "{cpu} {h}x{w}x{channels} in place: {error:e}");
        }
    }
}

#[test]
fn a_layer_adds_to_a_gradient_what_it_would_return() {
    for cpu in Cpu::all() {
        for (size, channels) in [
            ((11, 13), (17, 33)),
            ((64, 61), (64, 128)),
            ((9, 6), (256, 512)),
            ((19, 22), (256, 512)),
            ((7, 9), (3, 64)),
        ] {
            let ((h, w), (cin, cout)) = (size, channels);
            let (kernel, bias) = (random((3, 3, cin, cout), 1), random(cout, 2));
            let engine = Fast::<f32>::new(cpu);
            let layer = FastConv::new(&kernel, &bias, Padding::Zero, &engine);
            let x = Arc::new(random((h, w, cin), 3));
            let before: Array3<f32> = random((h, w, cin), 4);
            let forward = || {
                [
                    layer.forward_pooled(Pooling::Max, &x),
                    Layer::forward(&layer, &x),
                ]
            };
            for (returning, adding) in forward().into_iter().zip(forward()) {
                let dy = random(returning.output.dim(), 5);
                let expected = &before + &returning.back.backward(&dy);
                let mut dx = before.clone();
                adding.back.add_backward(&dy, &mut dx, &engine);
                assert_eq!(dx, expected, "{cpu} {size:?} {channels:?}");
            }
        }
    }
}

#[test]
fn matrix_products_agree_with_the_reference_also_of_transposed_matrices() {
    let as_layer = |c: Array2<f64>| c.insert_axis(Axis(0));
    for cpu in Cpu::all() {
        let fast = Fast::new(cpu);
        for (rows, depth, columns) in [(1, 1, 1), (5, 3, 7), (97, 64, 33), (200, 130, 64)] {
            let a: Array2<f64> = random((rows, depth), 1);
            let b: Array2<f64> = random((depth, columns), 2);
            let (ta, tb) = (a.mapv(|x| x as f32), b.mapv(|x| x as f32));
            let expected = as_layer(a.dot(&b));
            let (at, bt) = (
                ta.t().as_standard_layout().into_owned(),
                tb.t().as_standard_layout().into_owned(),
            );
            for (a, b) in [
                (ta.view(), tb.view()),
                (at.t(), tb.view()),
                (ta.view(), bt.t()),
                (at.t(), bt.t()),
            ] {
                let c = fast.product(a, b).mapv(f64::from);
                let error = distance(&as_layer(c), &expected);
                assert!(error < 1e-6, "{cpu} {rows}x{depth}x{columns}: {error:e}");
            }
        }
        // The product of a symmetric matrix and itself is symmetric.
        for size in [1, 7, 48, 130] {
            let a: Array2<f64> = random((size, size), 3);
            let a = &a + &a.t();
            let single = a.mapv(|x| x as f32);
            let c = fast.symmetric_product(single.view(), single.view());
            assert_eq!(c, c.t());
            let error = distance(&as_layer(c.mapv(f64::from)), &as_layer(a.dot(&a)));
            assert!(error < 1e-6, "{cpu} {size}: {error:e}");
        }
    }
}
