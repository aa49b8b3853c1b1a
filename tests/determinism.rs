//! Runs give the same bits each time and on any number of threads, and files the same bytes.

use impasto::engine::{Cpu, EngineKind};
use impasto::painting::{OptimizerKind, Recipe, Scales, Settings, Stylization};
use impasto::picture::{FloatPicture, OutputFile, Picture};
use impasto::weights::{Source, Weights};
use std::ops::ControlFlow;
use std::path::Path;

/// Paints a small picture on this number of threads. Returns the bits of all losses, and of the values of the last picture.
fn run(
    weights: &Weights,
    engine: EngineKind,
    optimizer: OptimizerKind,
    threads: usize,
    seed: u64,
) -> (Vec<u64>, Vec<u32>) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let open = |name: &str| Picture::open(&data.join(name)).unwrap().0;
    let settings = Settings {
        // Large enough that all parallel work is divided into several tasks. The sizes of deeper layers are odd too.
        size: "109x93".parse().unwrap(),
        scales: Scales::Count(2),
        iterations: 3,
        optimizer,
        average: if optimizer == OptimizerKind::Adam {
            0.5
        } else {
            0.0
        },
        seed,
        tv_weight: 1e-3,
        ..Recipe::preset("classic").unwrap().settings()
    };
    let (photograph, painting) = (open("content/coffee.jpg"), open("style/great_wave.jpg"));
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap();
    pool.install(|| {
        let (mut losses, mut pixels) = (Vec::new(), Vec::new());
        let stylization = Stylization::of(&photograph, &painting).settings(settings.clone());
        let run = stylization.engine(engine).prepare(weights).unwrap();
        run.run(|step| {
            let parts = [step.losses.content, step.losses.style, step.losses.tv];
            losses.extend(parts.map(f64::to_bits));
            pixels = step.array().iter().map(|pixel| pixel.to_bits()).collect();
            ControlFlow::Continue(())
        })
        .unwrap();
        (losses, pixels)
    })
}

/// Checks that the number of threads changes no bit, with every engine, and that the seed does.
fn check_bits(optimizer: OptimizerKind) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/vgg16.safetensors");
    let weights = Weights::load(&Source::File(file)).unwrap();
    let cpus = Cpu::all().into_iter().map(EngineKind::Fast);
    for engine in cpus.chain([EngineKind::Reference]) {
        let one = run(&weights, engine, optimizer, 1, 7);
        // The other engines take long.
        let threads: &[usize] = if engine == EngineKind::default() {
            &[1, 2, 3, 8]
        } else {
            &[3]
        };
        for &threads in threads {
            assert!(
                run(&weights, engine, optimizer, threads, 7) == one,
                "{engine:?}, {threads} threads"
            );
        }
    }
    let engine = EngineKind::default();
    let [one, other] = [7, 8].map(|seed| run(&weights, engine, optimizer, 2, seed));
    assert!(other != one, "the seed must change the picture");
}

#[test]
fn a_run_with_adam_gives_the_same_bits_on_any_number_of_threads() {
    check_bits(OptimizerKind::Adam);
}

#[test]
fn a_run_with_lbfgs_gives_the_same_bits_on_any_number_of_threads() {
    check_bits(OptimizerKind::Lbfgs);
}

#[test]
fn a_picture_file_has_the_same_bytes_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let (picture, _) = Picture::open(&data.join("content/coffee.jpg")).unwrap();
    for ending in impasto::picture::EXTENSIONS {
        let bytes = |name: &str| {
            let path = folder.path().join(name).with_extension(ending);
            OutputFile::new(&path)
                .unwrap()
                .write(&FloatPicture::from(&picture))
                .unwrap();
            std::fs::read(path).unwrap()
        };
        assert!(bytes("first") == bytes("second"), "{ending}");
    }
}
