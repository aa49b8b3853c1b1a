//! A part of the photograph that is protected: it does not count for the style, and stays as it is.

use crate::common::distance;
use crate::common::processes::on_processes;
use impasto::method::{Alone, Communicator};
use impasto::painting::{
    Init, InputRegion, Inputs, Layers, OriginalColors, Parameters, Recipe, RegionPlace, Scales,
    Settings, Stylization, StylizeError,
};
use impasto::picture::{FloatPicture, Picture};
use impasto::weights::{Source, Weights};
use ndarray::{Array3, s};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

const WIDTH: usize = 96;
const HEIGHT: usize = 64;

fn vgg16() -> Weights {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/vgg16.safetensors");
    Weights::load(&Source::File(file)).unwrap()
}

/// A picture of the project, of the size that is painted.
fn open(name: &str) -> Picture {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let (picture, _) = Picture::open(&data.join(name)).unwrap();
    picture.fit(
        "96x64"
            .parse::<impasto::picture::SizeRequest>()
            .unwrap()
            .of(picture.size()),
    )
}

/// A gray picture, of this level in each column.
fn columns(level: impl Fn(usize) -> u8) -> Picture {
    let x = Array3::from_shape_fn((HEIGHT, WIDTH, 3), |(_, j, c)| {
        f32::from(level(j)) - impasto::vgg::MEAN[c]
    });
    Picture::from_array(&x)
}

/// A photograph and a painting, with this protected.
fn inputs(protected: Option<Picture>) -> Inputs {
    Inputs {
        protected,
        ..Inputs::pair(open("content/coffee.jpg"), open("style/great_wave.jpg"))
    }
}

/// Few layers, whose receptive fields are small.
fn settings(preset: &str) -> Settings {
    Settings {
        size: "96x64".parse().unwrap(),
        scales: Scales::Count(1),
        iterations: 3,
        split_iterations: 2,
        init: Init::Content,
        parameters: Parameters::Pixels,
        border: 0,
        content_weight: 0.0,
        style_layers: Layers::from(&[("conv1_1", 1.0), ("conv2_1", 1.0)][..]),
        tv_weight: 0.0,
        ..Recipe::preset(preset).unwrap().settings()
    }
}

/// The last picture as it is painted (H×W×3), and as it is shown.
fn paint(inputs: Inputs, settings: &Settings, weights: &Weights) -> (Array3<f32>, FloatPicture) {
    let run = Stylization::new(inputs).settings(settings.clone());
    let run = run.prepare(weights).unwrap();
    let mut last = Array3::default((0, 0, 0));
    let painting = run.run(|step| {
        last = step.array();
        ControlFlow::Continue(())
    });
    (last, painting.unwrap().picture)
}

/// Without content and total variation nothing but the style moves a pixel.
#[test]
fn no_method_compares_the_style_of_what_is_protected() {
    let weights = vgg16();
    let photograph = open("content/coffee.jpg").to_array();
    let left = |x: &Array3<f32>| x.slice(s![.., ..40, ..]).to_owned();
    let right = |x: &Array3<f32>| x.slice(s![.., 56.., ..]).to_owned();
    for preset in ["default", "gram", "strotss", "nnst"] {
        let settings = settings(preset);
        let mask = columns(|j| if j < 52 { 255 } else { 0 });
        let (painted, _) = paint(inputs(Some(mask)), &settings, &weights);
        assert_eq!(left(&painted), left(&photograph), "{preset}");
        assert_ne!(right(&painted), right(&photograph), "{preset}");
        let (painted, _) = paint(inputs(None), &settings, &weights);
        assert_ne!(left(&painted), left(&photograph), "{preset}");
    }
}

#[test]
fn where_the_mask_is_white_the_picture_is_the_photograph_and_where_it_is_black_it_is_painted() {
    let weights = vgg16();
    let mask = || columns(|j| [255, 51, 0][j / 32]);
    let photograph = FloatPicture::from(&open("content/coffee.jpg"));
    for colors in [OriginalColors::Off, OriginalColors::Luminance] {
        let settings = Settings {
            original_colors: colors,
            scales: Scales::Count(2),
            ..settings("default")
        };
        let (_, shown) = paint(inputs(Some(mask())), &settings, &weights);
        let [shown, photograph] = [&shown, &photograph].map(|picture| picture.to_picture());
        let [shown, photograph] = [shown, photograph].map(|picture| picture.to_array());
        let part =
            |x: &Array3<f32>, first: usize| x.slice(s![.., first..first + 32, ..]).to_owned();
        assert_eq!(part(&shown, 0), part(&photograph, 0), "{colors}");
        assert_ne!(part(&shown, 64), part(&photograph, 64), "{colors}");
    }
    let settings = settings("default");
    let (painted, shown) = paint(inputs(Some(mask())), &settings, &weights);
    let before = Picture::from_array(&painted).to_array();
    let shown = shown.to_picture().to_array();
    let photograph = open("content/coffee.jpg").to_array();
    for ((i, j, c), &value) in shown.indexed_iter() {
        let at = (i, j, c);
        match j / 32 {
            0 => assert_eq!(value, photograph[at]),
            1 => {
                let expected = before[at] + 0.2 * (photograph[at] - before[at]);
                // Both are rounded, and a painted value is clamped only after it is blended.
                let clamped = [0.0, 255.0].contains(&(before[at] + impasto::vgg::MEAN[c]).round());
                assert!(clamped || (value - expected).abs() <= 1.0, "{at:?}");
            }
            _ => assert_eq!(value, before[at]),
        }
    }
}

/// Each painted pixel gets as much of the style as if the whole picture were painted: it is not divided among fewer.
#[test]
fn what_is_protected_belongs_to_the_area_of_the_style() {
    let weights = vgg16();
    let loss = |level: u8| {
        let mask = columns(|j| if j == 0 { level ^ 1 } else { level });
        let run = Stylization::new(inputs(Some(mask)));
        let run = run.settings(settings("default")).prepare(&weights);
        let mut first = 0.0;
        let _ = run.unwrap().run(|step| {
            first = step.losses.style;
            ControlFlow::Break(())
        });
        first
    };
    // Masks that are nearly the same everywhere: the style is compared as before, and its share of the area is less.
    let ratio = loss(204) / loss(0);
    assert!((ratio - 0.2).abs() < 0.005, "{ratio}");
}

#[test]
fn several_processes_paint_the_same_around_what_is_protected() {
    let weights = vgg16();
    let settings = Settings {
        border: 5,
        iterations: 6,
        ..settings("default")
    };
    let mask = || columns(|j| if j < 52 { 255 } else { (j / 2) as u8 });
    let paint = |world: Arc<dyn Communicator>| {
        let stylization = Stylization::new(inputs(Some(mask()))).settings(settings.clone());
        let run = stylization.world(world).prepare(&weights).unwrap();
        run.run(|_| ControlFlow::Continue(())).unwrap().picture
    };
    let one = paint(Arc::new(Alone)).to_picture().to_array();
    let several = on_processes(3, paint).swap_remove(0);
    let error = distance(&several.to_picture().to_array(), &one.mapv(f64::from));
    assert!(error < 1e-3, "{error:e}");
}

#[test]
fn masks_of_what_is_protected_that_make_no_sense_are_refused() {
    let weights = vgg16();
    let refusal = |inputs: Inputs| {
        let run = Stylization::new(inputs).settings(settings("default"));
        match run.prepare(&weights) {
            Err(StylizeError::Settings(trouble)) => trouble.to_string(),
            _ => panic!("it is not refused"),
        }
    };
    let square = open("content/coffee.jpg").fit(impasto::picture::Size {
        width: 9,
        height: 9,
    });
    let line = refusal(inputs(Some(square)));
    let expected = "the mask of what is protected is 9x9, the photograph 96x64: they must have the same aspect";
    assert_eq!(line, expected);
    let line = refusal(inputs(Some(columns(|_| 255))));
    assert!(line.contains("nothing would be painted"), "{line}");
    let mut halves = inputs(Some(columns(|j| if j < 52 { 255 } else { 0 })));
    let styles = halves.regions[0].styles.clone();
    halves.regions[0].place = RegionPlace::Mask(columns(|j| if j < 48 { 255 } else { 0 }));
    halves.regions.push(InputRegion {
        styles,
        place: RegionPlace::Rest,
    });
    let line = refusal(halves);
    assert!(line.contains("the masks leave style 1 no place"), "{line}");
}
