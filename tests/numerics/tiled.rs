//! The objective of a picture that is computed tile by tile is that of the whole picture.

use crate::common::processes::on_processes;
use crate::common::{TINY, WIDE, distance, random, random_weights};
use impasto::engine::EngineKind;
use impasto::method::big_array::{Band, Scratch, Storage};
use impasto::method::pool::Pooling::{self, Average, Max};
use impasto::method::{Alone, BigArray, Communicator, Padding, Scalar, StyleLossKind};
use impasto::network::Network;
use impasto::objective::{
    Compared, Losses, Objective, ReceptiveField, Region, Style, Tap, Targets, TileSize,
    TiledObjective,
};
use impasto::vgg::{Architecture, VGG16};
use impasto::weights::{Source, Weights};
use ndarray::{Array2, Array3, Axis, concatenate, s};
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

/// A network, what it minimizes, and how the picture is cut.
#[derive(Clone, Copy, Debug)]
struct Case {
    architecture: Architecture,
    pooling: Pooling,
    padding: Padding,
    replicate: bool,
    size: (usize, usize),
    loss: StyleLossKind,
    regions: bool,
    engine: EngineKind,
    tile: TileSize,
}

const CASE: Case = Case {
    architecture: TINY,
    pooling: Average,
    padding: Padding::Zero,
    replicate: false,
    size: (37, 51),
    loss: StyleLossKind::Gram,
    regions: false,
    engine: EngineKind::Reference,
    tile: TileSize::Edge(8),
};

/// Each of these differs from [`CASE`] in one thing or in two.
fn cases() -> Vec<Case> {
    let mut cases = vec![CASE];
    for tile in [
        TileSize::Edge(16),
        TileSize::Edge(24),
        TileSize::Area(1400),
        TileSize::Edge(99),
    ] {
        cases.push(Case { tile, ..CASE });
    }
    // Narrower than a halo, or of whole strides.
    for size in [(1, 70), (70, 3), (64, 32), (33, 65)] {
        cases.push(Case { size, ..CASE });
    }
    let kinds = StyleLossKind::ALL.iter().copied();
    for loss in kinds.filter(|loss| loss.is_of_sums()) {
        for regions in [false, true] {
            for pooling in [Average, Max] {
                cases.push(Case {
                    loss,
                    regions,
                    pooling,
                    ..CASE
                });
            }
            let padding = Padding::Circular;
            cases.push(Case {
                loss,
                regions,
                padding,
                size: (40, 64),
                ..CASE
            });
        }
    }
    // Some layers have fewer positions than channels.
    for regions in [false, true] {
        for (padding, size) in [(Padding::Zero, (7, 9)), (Padding::Circular, (8, 16))] {
            cases.push(Case {
                architecture: WIDE,
                padding,
                size,
                loss: StyleLossKind::Wasserstein,
                regions,
                ..CASE
            });
        }
    }
    cases.push(Case {
        replicate: true,
        ..CASE
    });
    let architecture = WIDE;
    let engine = EngineKind::default();
    cases.push(Case {
        architecture,
        engine,
        ..CASE
    });
    cases.push(Case {
        architecture,
        engine,
        regions: true,
        loss: StyleLossKind::Wasserstein,
        ..CASE
    });
    let (padding, size) = (Padding::Circular, (32, 48));
    cases.push(Case {
        architecture,
        engine,
        padding,
        size,
        ..CASE
    });
    cases
}

/// Where losses are computed.
struct Taps<'a> {
    content: &'a [Tap],
    style: &'a [Tap],
}

impl<'a> Taps<'a> {
    fn targets<T, P>(
        &self,
        photograph: &'a P,
        regions: &'a [Region<P, Array2<T>>],
        style_loss: StyleLossKind,
    ) -> Targets<'a, T, P> {
        Targets {
            content: Some((photograph, self.content)),
            regions,
            style_taps: self.style,
            compared: Compared::Layers,
            style_loss,
            tv_weight: 0.3,
            tv_diagonals: 0.25,
            normalize: false,
        }
    }
}

type Regions<T, P> = Vec<Region<P, Array2<T>>>;

/// The rows that this process reads of the photograph and the paintings.
fn stored<T: Scalar>(
    photograph: &Array3<T>,
    regions: &[Region<Array3<T>, Array2<T>>],
    field: ReceptiveField,
    world: &dyn Communicator,
) -> (Band<'static, T>, Regions<T, Band<'static, T>>) {
    let read = |picture: &Array3<T>| {
        let (height, width, _) = picture.dim();
        let (_, read) = field.bands((height, width), world.ranks());
        let rows = read[world.rank()].clone();
        let part = BigArray::from(picture.clone()).part(rows.clone(), 0..width as isize);
        Band::of(Cow::Owned(part.into()), rows.start, height)
    };
    let style = |style: &Style<Array3<T>, Array2<T>>| Style {
        picture: read(&style.picture),
        mask: style.mask.clone(),
        share: style.share,
    };
    let region = |region: &Region<Array3<T>, Array2<T>>| Region {
        styles: region.styles.iter().map(style).collect(),
        mask: region.mask.clone(),
    };
    let regions = regions.iter().map(region).collect();
    (read(photograph), regions)
}

/// What comes out.
struct Outcome<T> {
    losses: Losses,
    gradient: Array3<T>,
}

/// The same objective of a random picture, of the whole, and tile by tile by this many processes.
fn evaluate(case: Case, storage: &Storage, ranks: usize) -> (Outcome<f64>, Outcome<f64>) {
    let weights = random_weights(case.architecture, 41);
    let depth = weights.depth();
    let mut network = Network::<f64>::new(
        &weights,
        case.pooling,
        case.padding,
        depth,
        case.engine.build(),
    );
    if case.replicate {
        network = network.replicating_edges();
    }
    let tap = |name: &str, weight| Tap {
        layer: case.architecture.find(name).unwrap(),
        weight,
    };
    // Two kinds of loss at one layer too.
    let content_taps = [tap("conv2_1", 3.0), tap("pool2", 2.0)];
    let style_taps = [
        tap("conv1_1", 20.0),
        tap("pool1", 30.0),
        tap("conv2_1", 40.0),
        tap("conv3_1", 50.0),
    ];
    let (height, width) = case.size;
    let photograph = random((height, width, 3), 21);
    // A small picture's painting has few positions too.
    let of_painting = if height < 16 { (8, 12) } else { (29, 40) };
    let painting = Style::whole(random((of_painting.0, of_painting.1, 3), 22));
    let mask = |size, seed| random::<f64, _, _>(size, seed).mapv(f64::abs);
    let regions = if case.regions {
        let here: Array2<f64> = mask(case.size, 25);
        let there = here.mapv(|w| 1.0 - w);
        let part = Style {
            picture: random((24, 16, 3), 24),
            mask: Some(mask((24, 16), 26)),
            share: 0.7,
        };
        let region = |styles, mask| Region {
            styles,
            mask: Some(mask),
        };
        vec![
            region(vec![painting, part.clone()], here),
            region(vec![part], there),
        ]
    } else {
        vec![Region::everywhere(vec![painting])]
    };
    let taps = Taps {
        content: &content_taps,
        style: &style_taps,
    };
    let x: Array3<f64> = random((height, width, 3), 30);
    let targets = taps.targets(&photograph, &regions, case.loss);
    let whole = Objective::new(&network, targets).evaluate(&network, &x);
    let whole = Outcome {
        losses: whole.0,
        gradient: whole.1,
    };
    let field =
        network.receptive_field((content_taps.iter().chain(&style_taps)).map(|tap| tap.layer));
    let x = BigArray::from(x);
    let parts = on_processes(ranks, |world| {
        let (photograph, regions) = stored(&photograph, &regions, field, &*world);
        let targets = taps.targets(&photograph, &regions, case.loss);
        let (size, tile, world) = (case.size, case.tile, world);
        let tiled = TiledObjective::new(&network, targets, size, tile, storage, world.clone());
        if let (TileSize::Edge(edge), 1) = (tile, ranks) {
            let counts = tiled.tiling().counts();
            let expected = (height.div_ceil(edge), width.div_ceil(edge));
            assert_eq!(counts, expected, "{case:?}");
        }
        let own = field.bands(size, ranks).0.of(world.rank());
        let x = BigArray::from(x.rows(own)).moved_to(storage);
        let (losses, gradient) = tiled.evaluate(&network, &x);
        (losses, gradient.into_array())
    });
    let losses = parts[0].0;
    assert!(parts.iter().all(|part| part.0 == losses), "{case:?}");
    let gradients: Vec<_> = parts.iter().map(|part| part.1.view()).collect();
    let gradient = concatenate(Axis(0), &gradients).unwrap();
    (whole, Outcome { losses, gradient })
}

fn relative(a: f64, b: f64) -> f64 {
    (a - b).abs() / b.abs()
}

#[test]
fn tile_by_tile_losses_and_gradient_are_those_of_the_whole_picture() {
    for case in cases() {
        check_that_both_agree(case, 1);
    }
}

#[test]
fn several_processes_compute_losses_and_gradient_of_the_whole_picture() {
    for case in cases() {
        // More of them than strides too.
        for ranks in [2, 3, 8] {
            check_that_both_agree(case, ranks);
        }
    }
}

fn check_that_both_agree(case: Case, ranks: usize) {
    let (whole, tiled) = evaluate(case, &Storage::Memory, ranks);
    let of = |losses: Losses| [losses.content, losses.style, losses.tv];
    for (tiled, whole) in of(tiled.losses).into_iter().zip(of(whole.losses)) {
        assert!(
            whole > 0.0 && relative(tiled, whole) <= 1e-12,
            "{case:?}, {ranks}: {tiled} for {whole}"
        );
    }
    let error = distance(&tiled.gradient, &whole.gradient);
    assert!(error <= 1e-12, "{case:?}, {ranks}: {error:e}");
}

#[test]
fn arrays_in_a_scratch_file_give_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let storage = Storage::Scratch(Arc::new(Scratch::new(folder.path()).unwrap()));
    for case in [
        CASE,
        Case {
            size: (40, 64),
            padding: Padding::Circular,
            regions: true,
            ..CASE
        },
    ] {
        for ranks in [1, 3] {
            let (_, memory) = evaluate(case, &Storage::Memory, ranks);
            let (_, disk) = evaluate(case, &storage, ranks);
            assert_eq!(memory.losses, disk.losses);
            assert_eq!(memory.gradient, disk.gradient);
        }
    }
    let left = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(left, 0, "scratch files have no name");
}

/// A halo that is one stride too narrow would be noticed: the deepest layer depends on its outermost pixels.
#[test]
fn a_layer_sees_as_far_as_its_reach_and_no_further() {
    let weights = random_weights(TINY, 41);
    let engine = EngineKind::Reference.build();
    let network = Network::<f64>::new(&weights, Average, Padding::Zero, weights.depth(), engine);
    for layer in 0..network.depth() {
        let (stride, reach) = (1 << network.poolings(layer), network.reach(layer));
        let at = |x: &Array3<f64>| {
            let steps = network.steps([layer]);
            let activations = network.forward(&steps, x);
            activations
                .of(layer)
                .index_axis(Axis(1), 64 / stride)
                .to_owned()
        };
        let x: Array3<f64> = random((8, 128, 3), 5);
        let changed = |column: usize| {
            let mut changed = x.clone();
            let mut column = changed.slice_mut(s![.., column, ..]);
            column.mapv_inplace(|x| x + 100.0);
            at(&changed) != at(&x)
        };
        assert!(
            changed(64 - reach) && changed(63 + stride + reach),
            "{layer}"
        );
        assert!(
            !changed(63 - reach) && !changed(64 + stride + reach),
            "{layer}"
        );
    }
}

/// Real weights in single precision. Where rounding opens a ReLU or closes one, a gradient jumps, and it does so at few positions.
#[test]
fn in_single_precision_the_gradient_differs_by_rounding_alone() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/vgg16.safetensors");
    let weights = Weights::load(&Source::File(file)).unwrap();
    let tap = |name: &str, weight| Tap {
        layer: VGG16.find(name).unwrap(),
        weight,
    };
    let style_taps = [
        tap("conv1_1", 1.0),
        tap("conv2_1", 1.0),
        tap("conv3_1", 1.0),
        tap("conv4_1", 1.0),
        tap("conv5_1", 1.0),
    ];
    let content_taps = [tap("conv4_2", 40.0)];
    let network = Network::<f32>::new(
        &weights,
        Max,
        Padding::Zero,
        weights.depth(),
        EngineKind::default().build(),
    );
    let size = (208, 240);
    let picture =
        |seed, size: (usize, usize)| random::<f32, _, _>((size.0, size.1, 3), seed) * 100.0;
    let photograph = picture(1, size);
    let regions = [Region::everywhere(vec![Style::whole(picture(
        2,
        (200, 250),
    ))])];
    let x = picture(3, size);
    let taps = Taps {
        content: &content_taps,
        style: &style_taps,
    };
    for style_loss in [StyleLossKind::Gram, StyleLossKind::Wasserstein] {
        let targets = taps.targets(&photograph, &regions, style_loss);
        let (whole, gradient) = Objective::new(&network, targets).evaluate(&network, &x);
        let photograph = BigArray::from(photograph.clone()).into();
        let style = Style::whole(BigArray::from(regions[0].styles[0].picture.clone()).into());
        let regions = [Region::everywhere(vec![style])];
        let targets = taps.targets(&photograph, &regions, style_loss);
        let (tile, world) = (TileSize::Edge(96), Arc::new(Alone));
        let tiled = TiledObjective::new(&network, targets, size, tile, &Storage::Memory, world);
        assert_eq!(tiled.tiling().counts(), (3, 3));
        let (losses, of_tiles) = tiled.evaluate(&network, &x.clone().into());
        let error = distance(&of_tiles.into_array(), &gradient.mapv(f64::from));
        println!(
            "{style_loss}: {error:e} {:e}",
            relative(losses.total(), whole.total())
        );
        assert!(error <= 1e-5, "{style_loss}: {error:e}");
        assert!(
            relative(losses.total(), whole.total()) <= 1e-6,
            "{style_loss}"
        );
    }
}
