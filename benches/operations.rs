//! How long each operation takes, forward and backward, at the sizes that it has when a picture of 333×250 is painted, and how
//! long one whole iteration of the classic recipe takes. `make bench` runs it.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use impasto::loss::content::ContentLoss;
use impasto::loss::style::{Sample, Statistic, StyleLoss};
use impasto::loss::{Objective, Region, StylePicture, Tap, Targets, total_variation};
use impasto::network::Network;
use impasto::ops::conv::{Conv, Engine, Padding};
use impasto::ops::pool::{self, Pooling};
use impasto::ops::workspace::Workspace;
use impasto::ops::{gram, relu};
use impasto::optimize::Adam;
use impasto::stylize::Settings;
use impasto::vgg::VGG16;
use impasto::weights::{Source, Weights};
use ndarray::{Array3, ArrayBase, Dimension, OwnedRepr, ShapeBuilder};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::hint::black_box;

/// Numbers like those after a ReLU: from −1 to 1, the negative ones 0.
fn activations<D: Dimension, S: ShapeBuilder<Dim = D>>(
    shape: S,
) -> ArrayBase<OwnedRepr<f32>, D, f32> {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    ArrayBase::from_shape_simple_fn(shape, || rng.random_range(-1.0f32..1.0).max(0.0))
}

/// Gives an operation's output back, as the network does, so that the next one need not ask the system for memory.
fn recycled(workspace: &Workspace<f32>, array: Array3<f32>) {
    workspace.recycle(black_box(array));
}

/// Height, width and channels of each block's layers.
const BLOCKS: [(usize, usize, usize); 5] = [
    (250, 333, 64),
    (125, 167, 128),
    (63, 84, 256),
    (32, 42, 512),
    (16, 21, 512),
];

fn convolutions(c: &mut Criterion) {
    let mut group = c.benchmark_group("conv");
    group.sample_size(10);
    let first = ((250, 333, 3), 64);
    let inner = BLOCKS.map(|shape| (shape, shape.2));
    for ((height, width, cin), cout) in [&[first][..], &inner].concat() {
        let kernel = activations((3, 3, cin, cout));
        let (x, dy) = (
            activations((height, width, cin)),
            activations((height, width, cout)),
        );
        // Multiply-adds.
        let work = height * width * 9 * cin * cout;
        group.throughput(Throughput::Elements(work as u64));
        let name = format!("{height}x{width}, {cin} to {cout}");
        for engine in [Engine::Reference, Engine::default()] {
            let workspace = Workspace::new(engine);
            let conv = Conv::new(&kernel, activations(cout), Padding::Zero, engine);
            let forward = format!("{engine:?} forward {name}");
            group.bench_function(forward, |b| {
                b.iter(|| recycled(&workspace, conv.forward(&x, &workspace)))
            });
            let backward = format!("{engine:?} backward {name}");
            group.bench_function(backward, |b| {
                b.iter(|| recycled(&workspace, conv.backward(&dy, &workspace)))
            });
        }
    }
}

fn cheap_operations(c: &mut Criterion) {
    let mut group = c.benchmark_group("activations");
    group.sample_size(20);
    let shape = BLOCKS[0];
    let x: Array3<f32> = activations(shape);
    let workspace = Workspace::default();
    group.throughput(Throughput::Elements(x.len() as u64));
    let mut y = x.clone();
    group.bench_function("relu forward", |b| {
        b.iter(|| relu::forward(&mut y, &workspace))
    });
    let mask = relu::forward(&mut y, &workspace);
    group.bench_function("relu backward", |b| {
        b.iter(|| recycled(&workspace, relu::backward(&mask, &x, &workspace)))
    });
    for pooling in [Pooling::Average, Pooling::Max] {
        let (dy, pooled) = pool::forward(pooling, &x, &workspace);
        group.bench_function(format!("{pooling:?} pool forward"), |b| {
            b.iter(|| recycled(&workspace, pool::forward(pooling, &x, &workspace).0))
        });
        group.bench_function(format!("{pooling:?} pool backward"), |b| {
            b.iter(|| recycled(&workspace, pool::backward(&pooled, &dy, &workspace)))
        });
    }
}

fn losses(c: &mut Criterion) {
    let mut group = c.benchmark_group("loss");
    let workspace = Workspace::default();
    group.sample_size(20);
    for shape in BLOCKS {
        let f: Array3<f32> = activations(shape);
        let (height, width, channels) = shape;
        group.bench_function(format!("gram {height}x{width}x{channels}"), |b| {
            b.iter(|| gram::forward(&f, &workspace))
        });
        let mut df = Array3::zeros(shape);
        for statistic in Statistic::ALL {
            let style = StyleLoss::new(statistic, &[Sample::whole(&f)], None, &workspace);
            group.bench_function(
                format!("{statistic} style {height}x{width}x{channels}"),
                |b| {
                    b.iter(|| {
                        let residual = style.residual(&f, &workspace);
                        style.add_gradient(&f, &residual, 1.0, &mut df, &workspace);
                        let loss = residual.loss();
                        residual.recycle(&workspace);
                        loss
                    })
                },
            );
        }
    }
    let f: Array3<f32> = activations(BLOCKS[3]);
    let mut df = Array3::zeros(f.dim());
    let content = ContentLoss::new(f.clone());
    group.bench_function("content value", |b| b.iter(|| content.value(&f)));
    group.bench_function("content gradient", |b| {
        b.iter(|| content.add_gradient(&f, 1.0, &mut df))
    });
    let x: Array3<f32> = activations((250, 333, 3));
    let mut dx = Array3::zeros(x.dim());
    group.bench_function("total variation value", |b| {
        b.iter(|| total_variation::value(&x, Padding::Zero))
    });
    group.bench_function("total variation gradient", |b| {
        b.iter(|| total_variation::add_gradient(&x, Padding::Zero, 1.0, &mut dx))
    });
    let mut adam = Adam::new(x.dim(), 1e-3);
    let mut moving = x.clone();
    group.bench_function("Adam step", |b| b.iter(|| adam.step(&mut moving, &x)));
}

/// Forward, losses, backward and step, with the project's own weights.
fn iteration(c: &mut Criterion) {
    let weights = Weights::load(&Source::File("data/vgg16.safetensors".into()))
        .expect("the benchmark runs in the project's folder");
    let classic = Settings::classic();
    let tap = |layer: &str, weight| Tap {
        layer: VGG16.find(layer).expect("a layer of VGG-16"),
        weight,
    };
    let content_taps = [tap("conv4_2", classic.content_weight)];
    let layers = classic.style_layers.iter();
    let style_taps: Vec<_> = layers
        .map(|layer| tap(&layer.layer, layer.weight))
        .collect();
    let depth = VGG16.find("conv5_1").expect("a layer of VGG-16") + 1;
    let network = Network::new(
        &weights,
        Pooling::Average,
        Padding::Zero,
        depth,
        Engine::default(),
    );
    let picture = |scale: f32| activations((250, 333, 3)).mapv(|x: f32| scale * x - 100.0);
    let objective = Objective::new(
        &network,
        Targets {
            content: Some((&picture(200.0), &content_taps)),
            regions: &[Region::everywhere(&[StylePicture::whole(&picture(255.0))])],
            style_taps: &style_taps,
            statistic: Statistic::Gram,
            tv_weight: 0.0,
            normalize: false,
        },
    );
    let mut x = picture(150.0);
    let mut adam = Adam::new(x.dim(), classic.learning_rate);
    let mut group = c.benchmark_group("iteration");
    group.sample_size(10);
    group.bench_function("classic recipe, VGG-16, 333x250", |b| {
        b.iter(|| {
            let (losses, gradient) = objective.evaluate(&network, &x);
            adam.step(&mut x, &gradient);
            network.workspace().recycle(gradient);
            black_box(losses)
        });
    });
}

criterion_group!(benches, convolutions, cheap_operations, losses, iteration);
criterion_main!(benches);
