//! Measures each operation, forward and backward, at the sizes that it has when impasto paints a picture of 333×250, and one whole
//! iteration of the classic recipe. `make bench` runs it.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use impasto::engine::fast::FastConv;
use impasto::engine::{Cpu, EngineKind, Fast};
use impasto::method::style::{Features, RegionLossBuilder};
use impasto::method::{
    Adam, BigArray, ContentLoss, Loss, Padding, Pooling, Products, StyleLossKind, TotalVariation,
};
use impasto::method::{conv, gram, relu};
use impasto::network::Network;
use impasto::objective::{Compared, Objective, Region, Style, Tap, Targets};
use impasto::painting::{Recipe, Settings};
use impasto::vgg::VGG16;
use impasto::weights::{Source, Weights};
use ndarray::{Array3, ArrayBase, Dimension, OwnedRepr, ShapeBuilder};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::hint::black_box;
use std::sync::Arc;

/// Numbers like those after a ReLU: half of them are 0, the others between 0 and 1.
fn activations<D: Dimension, S: ShapeBuilder<Dim = D>>(
    shape: S,
) -> ArrayBase<OwnedRepr<f32>, D, f32> {
    let mut rng = Pcg64Mcg::seed_from_u64(1);
    ArrayBase::from_shape_simple_fn(shape, || rng.random_range(-1.0f32..1.0).max(0.0))
}

/// Gives an output back to its engine, as the network does. The next output then uses the same memory.
fn recycle(engine: &Fast<f32>, array: Array3<f32>) {
    engine.recycle(black_box(array));
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
        let bias = activations(cout);
        group.bench_function(format!("reference forward {name}"), |b| {
            b.iter(|| conv::forward(&x, &kernel, &bias, Padding::Zero))
        });
        group.bench_function(format!("reference backward {name}"), |b| {
            b.iter(|| conv::backward(&dy, &kernel, Padding::Zero))
        });
        let engine = Fast::new(Cpu::widest());
        let conv = FastConv::new(&kernel, &bias, Padding::Zero, &engine);
        group.bench_function(format!("fast forward {name}"), |b| {
            b.iter(|| recycle(&engine, conv.forward(&x)))
        });
        group.bench_function(format!("fast backward {name}"), |b| {
            b.iter(|| recycle(&engine, conv.backward(&dy)))
        });
    }
}

fn relu_and_pooling(c: &mut Criterion) {
    let mut group = c.benchmark_group("activations");
    group.sample_size(20);
    let shape = BLOCKS[0];
    let x: Array3<f32> = activations(shape);
    group.throughput(Throughput::Elements(x.len() as u64));
    group.bench_function("relu forward", |b| b.iter(|| relu::forward(x.clone())));
    group.bench_function("relu backward", |b| b.iter(|| relu::backward(&x, &x)));
    let x = Arc::new(x);
    for pooling in [Pooling::Average, Pooling::Max] {
        let layer = EngineKind::default().build().pool(pooling);
        group.bench_function(format!("{pooling} pool forward"), |b| {
            b.iter(|| layer.forward(&x).output)
        });
        let dy = layer.forward(&x).output;
        group.bench_function(format!("{pooling} pool forward and backward"), |b| {
            b.iter(|| layer.forward(&x).back.backward(&dy))
        });
    }
}

fn gram_and_style_losses(c: &mut Criterion) {
    let mut group = c.benchmark_group("loss");
    let engine = Fast::new(Cpu::widest());
    group.sample_size(20);
    for shape in BLOCKS {
        let f: Array3<f32> = activations(shape);
        let (height, width, channels) = shape;
        group.bench_function(format!("gram {height}x{width}x{channels}"), |b| {
            b.iter(|| engine.gram(&f))
        });
        group.bench_function(format!("plain gram {height}x{width}x{channels}"), |b| {
            b.iter(|| gram::forward(&f))
        });
        let mut df = Array3::zeros(shape);
        for &kind in StyleLossKind::ALL {
            let mut style = RegionLossBuilder::new(kind);
            style.add_painting(Features::new(&f, None), 1.0, &engine);
            let style = style.finish(None, &engine);
            group.bench_function(format!("{kind} style {height}x{width}x{channels}"), |b| {
                b.iter(|| style.add_gradient(&f, 1.0, &mut df, &engine))
            });
        }
    }
}

fn other_losses_and_adam(c: &mut Criterion) {
    let mut group = c.benchmark_group("other losses and Adam");
    let engine = Fast::new(Cpu::widest());
    group.sample_size(20);
    let f: Array3<f32> = activations(BLOCKS[3]);
    let mut df = Array3::zeros(f.dim());
    let content = ContentLoss::new(f.clone());
    group.bench_function("content", |b| {
        b.iter(|| content.add_gradient(&f, 1.0, &mut df, &engine))
    });
    let x: Array3<f32> = activations((250, 333, 3));
    let mut dx = Array3::zeros(x.dim());
    let variation = TotalVariation::new(Padding::Zero);
    group.bench_function("total variation", |b| {
        b.iter(|| variation.add_gradient(&x, 1.0, &mut dx, &engine))
    });
    let x = BigArray::from(x);
    let mut adam = Adam::new(&x, 1e-3);
    let mut moving = x.clone();
    group.bench_function("Adam step", |b| b.iter(|| adam.step(&mut moving, &x)));
}

/// A picture of 333×250. Its values lie between −100 and `scale` − 100.
fn picture(scale: f32) -> Array3<f32> {
    activations((250, 333, 3)).mapv(|x: f32| scale * x - 100.0)
}

/// The network of the classic recipe with the project's weights.
fn network() -> Network<f32> {
    let weights = Weights::load(&Source::File("data/vgg16.safetensors".into()))
        .expect("the benchmark runs in the project's folder");
    let depth = VGG16.find("conv5_1").expect("a layer of VGG-16") + 1;
    let engine = EngineKind::default().build();
    Network::new(&weights, Pooling::Average, Padding::Zero, depth, engine)
}

fn objective(network: &Network<f32>, recipe: &Settings) -> Objective<f32> {
    let tap = |layer: &str, weight| Tap {
        layer: VGG16.find(layer).expect("a layer of VGG-16"),
        weight,
    };
    let content_taps = [tap("conv4_2", recipe.content_weight)];
    let layers = recipe.style_layers.0.iter();
    let style_taps: Vec<_> = layers
        .map(|layer| tap(&layer.layer, layer.weight))
        .collect();
    Objective::new(
        network,
        Targets {
            content: Some((&picture(200.0), &content_taps)),
            regions: &[Region::everywhere(vec![Style::whole(picture(255.0))])],
            style_taps: &style_taps,
            compared: Compared::Layers,
            style_loss: StyleLossKind::Gram,
            tv_weight: 0.0,
            tv_diagonals: 0.0,
            normalize: false,
        },
    )
}

/// One iteration: forward pass, losses, backward pass and step.
fn iteration(c: &mut Criterion) {
    let classic = Recipe::preset("classic")
        .expect("the preset is built in")
        .settings();
    let network = network();
    let objective = objective(&network, &classic);
    let mut x = BigArray::from(picture(150.0));
    let mut adam = Adam::new(&x, classic.learning_rate);
    let mut group = c.benchmark_group("iteration");
    group.sample_size(10);
    group.bench_function("classic recipe, VGG-16, 333x250", |b| {
        b.iter(|| {
            let (losses, gradient) = objective.evaluate(&network, &x.to_array());
            let gradient = gradient.into();
            adam.step(&mut x, &gradient);
            network.engine().recycle(gradient.into_array());
            black_box(losses)
        });
    });
}

criterion_group!(
    benches,
    convolutions,
    relu_and_pooling,
    gram_and_style_losses,
    other_losses_and_adam,
    iteration
);
criterion_main!(benches);
