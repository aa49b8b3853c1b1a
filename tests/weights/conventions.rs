//! The pixels that a network was trained on: how they are inferred or stated, and how the first convolution is converted.

use crate::common::{TINY, distance, golden_array, random_weights, tiny_weights};
use crate::{Encode, assert_same, file, fixture, tiny};
use impasto::engine::EngineKind;
use impasto::method::{Padding, Pooling};
use impasto::network::Network;
use impasto::vgg;
use impasto::weights::{self, Bytes, Convention, Loaded, Precision, ReadOptions};
use ndarray::{Array3, Axis, s};
use safetensors::tensor::Dtype;

#[test]
fn unknown_pixels_are_refused() {
    let weights = random_weights(TINY, 4);
    let encode: Encode = |w| w.to_le_bytes().into();
    for (key, value) in [("channels", "GRB"), ("range", "0..1"), ("mean", "1,2")] {
        let metadata = [("channels", "RGB"), (key, value)];
        let bytes = file(&weights, Dtype::F32, encode, &metadata);
        let refusal = tiny_weights(bytes.clone()).unwrap_err().to_string();
        assert!(
            refusal.contains(value) && refusal.contains("name the convention"),
            "{refusal}"
        );
        let options = ReadOptions {
            convention: Some(Convention::CaffeRgb),
            candidates: &[TINY],
            ..ReadOptions::default()
        };
        assert!(weights::read(&bytes.into(), &options).is_ok(), "{key}");
    }
    // A mean alone is ignored: it may be one for pixels in 0..1.
    let bytes = file(
        &weights,
        Dtype::F32,
        encode,
        &[("mean", "0.485,0.456,0.406")],
    );
    assert_same(
        &tiny_weights(bytes).unwrap().weights,
        &weights,
        "mean alone",
    );
}

#[test]
fn a_given_convention_overrides_the_inferred_one() {
    let read = |name: &str, convention| {
        let options = ReadOptions {
            convention,
            candidates: &[TINY],
            ..ReadOptions::default()
        };
        weights::read(&Bytes::from(fixture(name)), &options).unwrap()
    };
    let bgr = read("caffe.pth", None).weights;
    let as_rgb = read("caffe.pth", Some(Convention::CaffeRgb)).weights;
    let mut reversed = bgr.conv("conv1_1").unwrap().kernel.clone();
    reversed.invert_axis(Axis(2));
    assert_eq!(as_rgb.conv("conv1_1").unwrap().kernel, reversed);
    assert_eq!(as_rgb.conv("conv1_2"), bgr.conv("conv1_2"));
    // As for J. Johnson's files that were saved again without their classifier.
    let as_bgr = read("timm.safetensors", Some(Convention::CaffeBgr));
    let as_rgb = read("timm.safetensors", Some(Convention::CaffeRgb)).weights;
    let mut reversed = as_rgb.conv("conv1_1").unwrap().kernel.clone();
    reversed.invert_axis(Axis(2));
    assert_eq!(as_bgr.weights.conv("conv1_1").unwrap().kernel, reversed);
}

/// A network for BGR was converted as if it were for RGB. The mean that the file states is that of RGB, so it is not used when
/// BGR is given.
#[test]
fn a_mean_stated_for_another_convention_is_not_used() {
    let read = |bytes: Vec<u8>, convention| {
        let options = ReadOptions {
            convention: Some(convention),
            candidates: &[TINY],
            ..ReadOptions::default()
        };
        weights::read(&bytes.into(), &options).unwrap().weights
    };
    let right = tiny("caffe.pth").weights;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    read(fixture("caffe.pth"), Convention::CaffeRgb)
        .write(&path, Precision::F32)
        .unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert_same(
        &read(bytes.clone(), Convention::CaffeBgr),
        &right,
        "corrected",
    );
    // Writing the same weights again gives the same bytes.
    read(fixture("caffe.pth"), Convention::CaffeRgb)
        .write(&path, Precision::F32)
        .unwrap();
    assert!(std::fs::read(&path).unwrap() == bytes);
}

static EXPECTED: &[u8] = include_bytes!("expected.safetensors");

/// The outputs of all layers for the picture in `expected.safetensors`, computed in f64 from the weights of a file.
fn outputs(loaded: &Loaded) -> Vec<(String, Array3<f64>)> {
    let mut picture = golden_array::<f64>(EXPECTED, "picture");
    for (c, mean) in vgg::MEAN.into_iter().enumerate() {
        let mut channel = picture.index_axis_mut(Axis(2), c);
        channel -= f64::from(mean);
    }
    let layers = TINY.layers();
    let network = Network::<f64>::new(
        &loaded.weights,
        Pooling::Average,
        Padding::Zero,
        layers.len(),
        EngineKind::Reference.build(),
    );
    let activations = network.forward(&network.steps(0..layers.len()), &picture);
    let outputs = layers.into_iter().enumerate();
    outputs
        .map(|(layer, spec)| (spec.name, activations.of(layer).clone()))
        .collect()
}

/// The weights are folded in double precision and rounded to single precision. The rounding changes each by at most 6e-8 of its
/// value; over several layers that adds up to about 1e-6.
#[test]
fn torchvision_s_networks_give_pytorch_s_outputs() {
    for (file, expected) in [
        ("torchvision.pth", "torchvision"),
        ("torchvision_legacy.pth", "torchvision"),
        ("timm.safetensors", "torchvision"),
        ("torchvision_bn.pth", "torchvision_bn"),
    ] {
        let loaded = tiny(file);
        assert_eq!(loaded.convention, Convention::Torchvision, "{file}");
        assert_eq!(loaded.has_batch_norm, file.contains("_bn"), "{file}");
        for (layer, output) in outputs(&loaded) {
            if layer.starts_with("conv") {
                let error = distance(
                    &output,
                    &golden_array(EXPECTED, &format!("{expected}.{layer}")),
                );
                assert!(error < 2e-6, "{file} {layer}: {error:e}");
            }
        }
    }
    let half = tiny("torchvision_f16.pth");
    assert_eq!(half.element_types, "f16");
    let (layer, output) = outputs(&half).swap_remove(0);
    let error = distance(
        &output,
        &golden_array(EXPECTED, &format!("torchvision.{layer}")),
    );
    assert!((1e-6..1e-3).contains(&error), "{error:e}");
}

/// Zero padding stands for the mean color. This program's mean and torchvision's differ by at most half a gray level, and only
/// the border of the output depends on it.
#[test]
fn folding_torchvision_s_convention_changes_only_the_border() {
    let loaded = tiny("torchvision.pth");
    let (_, output) = outputs(&loaded).swap_remove(0);
    let theirs =
        golden_array::<f64>(EXPECTED, "torchvision.first_in_its_own_border").mapv(|x| x.max(0.0));
    let (h, w, _) = theirs.dim();
    let inside = s![1..h - 1, 1..w - 1, ..];
    let [ours, expected] = [&output, &theirs].map(|layer| layer.slice(inside).to_owned());
    assert!(distance(&ours, &expected) < 1e-6);
    let difference = (&output - &theirs).mapv(f64::abs);
    let largest = difference.fold(0.0_f64, |largest, &x| largest.max(x));
    // Half a gray level at each position of the kernel changes the output by at most half of Σ|W|.
    let kernel = &loaded.weights.conv("conv1_1").unwrap().kernel;
    let sums = (kernel.axis_iter(Axis(3))).map(|kernel| kernel.fold(0.0, |sum, w| sum + w.abs()));
    let bound = 0.5 * f64::from(sums.fold(0.0, f32::max));
    assert!(
        largest > 1e-6 && largest < bound,
        "{largest:e}, bound {bound:e}"
    );
}
