//! Several processes that divide a picture compute the same as one.

use crate::common::processes::on_processes;
use crate::common::{distance, random};
use impasto::method::big_array::{Bands, Interval, Storage};
use impasto::method::{Alone, BigArray, Communicator};
use impasto::painting::{
    Init, Layers, OptimizerKind, Recipe, Scales, Settings, Stylization, StylizeError,
};
use impasto::picture::Picture;
use impasto::weights::{Source, Weights};
use ndarray::{Array3, Axis, concatenate};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

#[test]
fn sums_and_votes_are_the_same_on_all_processes() {
    for ranks in 1..=5 {
        // Few numbers, which take one round, and many, which take two.
        for length in [1, 3, 256, 257, 1000] {
            let values = |rank: usize| -> Vec<f32> { random(length, rank as u64).to_vec() };
            let sums = on_processes(ranks, |world| {
                let mut sums = values(world.rank());
                world.sum(&mut sums);
                sums
            });
            let mut expected = values(0);
            for rank in 1..ranks {
                let others = values(rank);
                expected
                    .iter_mut()
                    .zip(others)
                    .for_each(|(sum, value)| *sum += value);
            }
            assert!(
                sums.iter().all(|sums| *sums == expected),
                "{ranks} {length}"
            );
        }
        let last = ranks - 1;
        let all = on_processes(ranks, |world| {
            let is_last = world.rank() == last;
            let trouble = is_last.then(|| "no space".to_owned());
            let bytes = if world.is_first() {
                vec![1, 2, 3]
            } else {
                Vec::new()
            };
            (
                world.max(world.rank() as f64),
                world.min(world.rank() as u64 + 7),
                world.all(!is_last),
                world.first_trouble(trouble),
                world.first_trouble(None),
                world.broadcast(bytes),
            )
        });
        let expected = (
            last as f64,
            7,
            false,
            Some((last, "no space".to_owned())),
            None,
            vec![1, 2, 3],
        );
        assert!(all.iter().all(|one| *one == expected), "{ranks}: {all:?}");
    }
}

/// Ends of bands, of the picture and of the torus, and rows of several other processes.
#[test]
fn rows_are_fetched_from_those_that_have_them_and_summed_back() {
    let whole: Array3<f64> = random((600, 2, 3), 1);
    for (ranks, stride, by, torus) in [(2, 8, 16, false), (3, 16, 40, true), (7, 100, 250, false)] {
        let bands = Bands::new(600, ranks, stride);
        let wanted = bands.widened(by, torus);
        let all = on_processes(ranks, |world| {
            let own = bands.of(world.rank());
            let x = BigArray::from(whole.clone()).rows(own).into();
            let fetched = bands.fetch(&x, &wanted, &Storage::Memory, &*world);
            let sum = bands.sum_fetched(&fetched, &wanted, &*world);
            (fetched.into_array(), sum.into_array())
        });
        let mut sum = BigArray::from(Array3::zeros(whole.dim()));
        for ((fetched, _), wanted) in all.iter().zip(&wanted) {
            let wanted: Interval = wanted.clone();
            let expected = BigArray::from(whole.clone()).part(wanted.clone(), 0..2);
            assert_eq!(*fetched, expected);
            sum.add_part((wanted.start, 0), fetched);
        }
        let sums: Vec<_> = all.iter().map(|(_, sum)| sum.view()).collect();
        assert_eq!(concatenate(Axis(0), &sums).unwrap(), sum.into_array());
    }
}

/// What is painted: 10 iterations at two sizes.
fn settings() -> Settings {
    Settings {
        size: "109x93".parse().unwrap(),
        scales: Scales::Count(2),
        iterations: 10,
        border: 9,
        tv_weight: 1e-3,
        ..Recipe::preset("classic").unwrap().settings()
    }
}

/// The losses of all iterations and the last picture (H×W×3), as the first of these processes has them.
fn paint(ranks: usize, settings: &Settings, weights: &Weights) -> (Vec<f64>, Array3<f32>) {
    let (photograph, painting) = pictures();
    let paint = |world: Arc<dyn Communicator>| {
        let mut losses = Vec::new();
        let mut last = None;
        let run = (Stylization::of(&photograph, &painting).settings(settings.clone()))
            .world(world)
            .prepare(weights)
            .unwrap();
        run.run(|step| {
            if step.iteration == step.iterations {
                last = Some(step.array());
            }
            if step.iteration % 7 == 0 {
                assert_eq!(step.picture().size().to_string(), settings.size.to_string());
            }
            losses.push(step.losses.total());
            ControlFlow::Continue(())
        })
        .unwrap();
        (losses, last.unwrap_or_default())
    };
    if ranks == 1 {
        return paint(Arc::new(Alone));
    }
    on_processes(ranks, paint).swap_remove(0)
}

#[test]
fn several_processes_paint_the_picture_of_one() {
    let weights = vgg16();
    // The steps at the second size are large. The fewer there are, the less likely it is that rounding switches a ReLU.
    let settings = Settings {
        optimizer: OptimizerKind::Lbfgs,
        iterations: 8,
        ..settings()
    };
    let (losses, picture) = paint(1, &settings, &weights);
    for ranks in [2, 3, 4, 9] {
        let divided = paint(ranks, &settings, &weights);
        check_losses(&divided.0, &losses);
        let error = distance(&divided.1, &picture.mapv(f64::from));
        println!("{ranks} processes: {error:e}");
        assert!(error < 1e-5, "{ranks}: {error:e}");
        if ranks == 3 {
            let again = paint(ranks, &settings, &weights);
            assert!(again == divided, "the same bits each time");
        }
    }
}

/// Adam divides by the size of the gradient: where that is about 0, rounding decides which way a pixel goes. The losses hardly depend on
/// such pixels.
#[test]
fn several_processes_have_the_losses_of_one_from_any_first_picture_and_around_a_torus() {
    let weights = vgg16();
    let settings = || Settings {
        size: "240x201".parse().unwrap(),
        content_layers: Layers::from(&[("conv3_1", 1.0)][..]),
        style_layers: Layers::from(&[("conv1_1", 1.0), ("conv2_1", 1.0), ("conv3_1", 1.0)][..]),
        ..settings()
    };
    let cases = [
        settings(),
        Settings {
            init: Init::Random,
            average: 0.5,
            keep_moments: true,
            ..settings()
        },
        Settings {
            init: Init::Content,
            seamless: true,
            size: "224x192".parse().unwrap(),
            ..settings()
        },
    ];
    for settings in cases {
        let (losses, _) = paint(1, &settings, &weights);
        check_losses(&paint(3, &settings, &weights).0, &losses);
    }
}

fn check_losses(divided: &[f64], whole: &[f64]) {
    assert_eq!(divided.len(), whole.len());
    for (divided, whole) in divided.iter().zip(whole) {
        let error = (divided - whole).abs() / whole;
        assert!(error < 1e-5, "{divided} for {whole}: {error:e}");
    }
}

fn pictures() -> (Picture, Picture) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let open = |name: &str| Picture::open(&data.join(name)).unwrap().0;
    (open("content/coffee.jpg"), open("style/great_wave.jpg"))
}

fn vgg16() -> Weights {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/vgg16.safetensors");
    Weights::load(&Source::File(file)).unwrap()
}

/// The only step at the smaller size goes too far, which the first loss at the larger one tells: the last good picture is the one before.
#[test]
fn if_several_processes_diverge_the_first_has_the_last_good_picture() {
    let weights = vgg16();
    let settings = Settings {
        learning_rate: 1e30,
        iterations: 2,
        ..settings()
    };
    let (photograph, painting) = pictures();
    let diverged = |world: Arc<dyn Communicator>| {
        let run = (Stylization::of(&photograph, &painting).settings(settings.clone()))
            .world(world)
            .prepare(&weights)
            .unwrap();
        match run.run(|_| ControlFlow::Continue(())) {
            Err(StylizeError::Diverged {
                iteration,
                last_good,
            }) => (iteration, last_good),
            other => panic!("{other:?}"),
        }
    };
    let (expected_at, expected) = diverged(Arc::new(Alone));
    assert_eq!(expected_at, 2);
    let expected = expected.unwrap().to_picture().to_array();
    for ranks in [2, 5] {
        let mut all = on_processes(ranks, diverged).into_iter();
        let (iteration, last_good) = all.next().unwrap();
        assert_eq!(iteration, expected_at);
        let found = last_good.unwrap().to_picture().to_array();
        let error = distance(&found, &expected.mapv(f64::from));
        assert!(error < 1e-3, "{ranks}: {error:e}");
        assert!(all.all(|(at, picture)| at == expected_at && picture.is_none()));
    }
}
