//! A run in tiles takes no more memory after many iterations than after a few, and a picture with 16 bits takes little more than its 8
//! while it is read. This is a program of its own, since it counts all memory.

use image::{ImageBuffer, Rgb};
use impasto::method::StyleLossKind;
use impasto::painting::{
    Layers, MemoryOptions, OptimizerKind, Recipe, Scales, Settings, Stylization, long_edge,
};
use impasto::picture::Picture;
use impasto::weights::{Source, Weights};
use peak_alloc::PeakAlloc;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Mutex;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// The tests count the memory of the whole program, so only one may run at a time.
static COUNTING: Mutex<()> = Mutex::new(());

#[test]
fn a_picture_with_16_bits_is_read_some_rows_at_a_time() {
    let _counting = COUNTING.lock();
    let (width, height) = (2500, 2000);
    let folder = tempfile::tempdir().unwrap();
    for name in ["large.png", "large.tif"] {
        let path = folder.path().join(name);
        let pixel = |x: u32, y: u32| Rgb([x, y, x ^ y].map(|level| (level * 23) as u16));
        ImageBuffer::from_fn(width, height, pixel)
            .save(&path)
            .unwrap();
        let before = ALLOCATED.current_usage();
        ALLOCATED.reset_peak_usage();
        let (picture, _) = Picture::open(&path).unwrap();
        assert_eq!(
            (picture.size().width, picture.size().height),
            (width, height)
        );
        // The picture takes 3 bytes for each pixel. A strip of at most a million pixels takes 6 as bytes of the file, 6 as 16-bit numbers, and 3
        // once it is converted.
        let pixels = (width * height) as usize;
        let taken = ALLOCATED.peak_usage() - before;
        assert!(taken < 3 * pixels + 15_000_000, "{name}: {taken} bytes");
    }
}

#[test]
fn memory_does_not_grow_from_iteration_to_iteration() {
    let _counting = COUNTING.lock();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let weights = Weights::load(&Source::File(data.join("vgg16.safetensors"))).unwrap();
    let open = |name: &str| Picture::open(&data.join(name)).unwrap().0;
    let (photograph, painting) = (open("content/coffee.jpg"), open("style/great_wave.jpg"));
    for style_loss in [StyleLossKind::Gram, StyleLossKind::Wasserstein] {
        let recipe = Recipe {
            style_layers: Some(Layers::from(&[("conv1_1", 256.0), ("conv3_1", 16.0)][..])),
            content_layers: Some(Layers::from(&[("conv2_1", 1.0)][..])),
            ..Recipe::default()
        };
        let settings = Settings {
            size: long_edge(128),
            scales: Scales::Count(1),
            iterations: 24,
            optimizer: OptimizerKind::Adam,
            style_loss,
            ..recipe.settings()
        };
        let stylization = Stylization::of(&photograph, &painting).settings(settings);
        let in_tiles = stylization.memory(MemoryOptions {
            tile: Some(64),
            ..MemoryOptions::default()
        });
        let mut bytes = Vec::new();
        let run = in_tiles.prepare(&weights).unwrap();
        run.run(|_| {
            bytes.push(ALLOCATED.current_usage());
            ControlFlow::Continue(())
        })
        .unwrap();
        let (few, many) = (bytes[3], bytes[23]);
        // Each of the twenty iterations works with arrays of 130 KB (the picture) and 270 KB (the sums of these layers). Buffers of threads,
        // which are not needed in each iteration, are smaller.
        assert!(
            many <= few + 1_500_000,
            "{style_loss}: {few} and {many} bytes"
        );
    }
}
