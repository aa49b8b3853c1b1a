//! Weights files of each format, architecture and number type. `weights/make_weights.py` made those that are read here.

mod common;

use common::mat::Mat;
use common::{TINY, distance, golden_array, random_weights, tiny_weights};
use half::{bf16, f16};
use impasto::network::Network;
use impasto::ops::conv::{Engine, Padding};
use impasto::ops::pool::Pooling;
use impasto::vgg::{self, Architecture, LayerKind, VGG16, VGG19};
use impasto::weights::{self, Bytes, Convention, Format, Loaded, Precision, ReadOptions, Weights};
use ndarray::{Array3, Axis, s};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::HashMap;

/// How a number is stored.
type Encode = fn(f32) -> Vec<u8>;

/// The bytes of a safetensors file with these weights: kernels turned from HWIO to OIHW.
fn file(weights: &Weights, dtype: Dtype, encode: Encode, metadata: &[(&str, &str)]) -> Vec<u8> {
    let mut tensors = Vec::new();
    for spec in weights.architecture().layers() {
        let Some(conv) = weights.conv(&spec.name) else {
            continue;
        };
        let oihw = conv.kernel.view().permuted_axes([3, 2, 0, 1]);
        let bytes = oihw.iter().flat_map(|&w| encode(w)).collect::<Vec<_>>();
        tensors.push((
            format!("{}.weight", spec.name),
            oihw.shape().to_vec(),
            bytes,
        ));
        let bytes = conv.bias.iter().flat_map(|&b| encode(b)).collect();
        tensors.push((
            format!("{}.bias", spec.name),
            conv.bias.shape().to_vec(),
            bytes,
        ));
    }
    let views = tensors
        .iter()
        .map(|(name, shape, bytes)| (name, TensorView::new(dtype, shape.clone(), bytes).unwrap()));
    let metadata: HashMap<_, _> = (metadata.iter())
        .map(|&(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    serialize(views, Some(metadata)).unwrap()
}

#[test]
fn each_number_type_is_read_to_the_last_bit() {
    let weights = random_weights(TINY, 1);
    type Rounding = fn(f32) -> f32;
    let stored: [(Dtype, Encode, Rounding); 3] = [
        (Dtype::F32, |w| w.to_le_bytes().into(), |w| w),
        (
            Dtype::F16,
            |w| f16::from_f32(w).to_le_bytes().into(),
            |w| f16::from_f32(w).to_f32(),
        ),
        (
            Dtype::BF16,
            |w| bf16::from_f32(w).to_le_bytes().into(),
            |w| bf16::from_f32(w).to_f32(),
        ),
    ];
    for (dtype, encode, rounded) in stored {
        let bytes = file(&weights, dtype, encode, &[]);
        let read = tiny_weights(bytes).unwrap().weights;
        for name in ["conv1_1", "conv1_2", "conv2_1", "conv2_2", "conv3_1"] {
            let (read, written) = (read.conv(name).unwrap(), weights.conv(name).unwrap());
            assert_eq!(
                read.kernel,
                written.kernel.mapv(rounded),
                "{dtype:?} {name}"
            );
            assert_eq!(read.bias, written.bias.mapv(rounded), "{dtype:?} {name}");
        }
    }
}

#[test]
fn the_architecture_is_told_by_the_layers() {
    for architecture in [VGG16, VGG19] {
        let weights = random_weights(architecture, 2);
        let encode = |w| f16::from_f32(w).to_le_bytes().into();
        let bytes = file(&weights, Dtype::F16, encode, &[]);
        let read = weights::read(&bytes.into(), &ReadOptions::default())
            .unwrap()
            .weights;
        assert_eq!(read.architecture(), architecture);
        assert_eq!(read.depth(), architecture.layers().len());
    }
}

/// The first convolutions of an architecture.
fn first(architecture: Architecture, convs: usize) -> Weights {
    let whole = random_weights(architecture, 3);
    let specs = architecture.layers();
    let names = specs.iter().filter(|spec| spec.kind != LayerKind::Pool);
    let convs = (names.take(convs))
        .map(|spec| (spec.name.clone(), whole.conv(&spec.name).unwrap().clone()))
        .collect();
    Weights::new(convs, &[VGG16, VGG19]).unwrap()
}

#[test]
fn weights_that_end_early_reach_to_their_last_convolution() {
    // Through conv3_3 they may be of either; behind it VGG-16 pools and VGG-19 does not.
    for architecture in [VGG16, VGG19] {
        let weights = first(architecture, 7);
        assert_eq!(weights.depth(), VGG16.find("conv3_3").unwrap() + 1);
    }
    let weights = first(VGG19, 8);
    assert_eq!(weights.architecture(), VGG19);
    assert_eq!(weights.depth(), VGG19.find("conv3_4").unwrap() + 1);
    assert_eq!(first(VGG16, 13).depth(), VGG16.layers().len());
}

#[test]
fn weights_for_unknown_pixels_are_refused() {
    let weights = random_weights(TINY, 4);
    let encode: Encode = |w| w.to_le_bytes().into();
    for (key, value) in [("channels", "GRB"), ("range", "0..1"), ("mean", "1,2")] {
        let says = [("channels", "RGB"), (key, value)];
        let bytes = file(&weights, Dtype::F32, encode, &says);
        let refusal = tiny_weights(bytes.clone()).unwrap_err();
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
    // A mean alone might be one of 0..1.
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
fn what_cannot_be_read_right_is_refused() {
    let refusal = |bytes: Vec<u8>| tiny_weights(bytes).unwrap_err();
    let theano = refusal(fixture("keras_theano.h5"));
    assert!(theano.contains("Theano's order"), "{theano}");
    // The place of a ReLU in torchvision's sequence: no convolution is left.
    let tensor = |bytes| TensorView::new(Dtype::F32, vec![1], bytes).unwrap();
    let relu = serialize([("features.1.weight", tensor(&[0; 4]))], None).unwrap();
    let empty = refusal(relu);
    assert!(empty.contains("there is no convolution"), "{empty}");
    // Normalisation under other names than torchvision's.
    let whole = fixture("tiny.safetensors");
    let mut tensors = SafeTensors::deserialize(&whole).unwrap().tensors();
    tensors.push(("bn1_1.running_var".to_owned(), tensor(&[0; 4])));
    let normalised = refusal(serialize(tensors, None).unwrap());
    assert!(
        normalised.contains("bn1_1.running_var is of a batch normalisation"),
        "{normalised}"
    );
}

/// The values are NaN, and are not looked at.
#[test]
fn a_wrong_shape_is_refused_before_memory_is_taken() {
    let header = r#"{"conv1_1.bias":{"dtype":"F16","shape":[64],"data_offsets":[0,128]},
        "conv1_1.weight":{"dtype":"F16","shape":[64,3,3,4],"data_offsets":[128,4736]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.resize(bytes.len() + 4736, 0xFF); // NaN, if it were looked at
    let refusal = weights::read(&bytes.into(), &ReadOptions::default()).unwrap_err();
    assert!(
        refusal.contains("conv1_1.weight has the shape 64×3×3×4, not 64×3×3×3"),
        "{refusal}"
    );
}

/// A file of `weights/`.
fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/weights/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn tiny(name: &str) -> Loaded {
    tiny_weights(fixture(name)).unwrap_or_else(|trouble| panic!("{name}: {trouble}"))
}

fn assert_same(ours: &Weights, theirs: &Weights, name: &str) {
    for spec in TINY.layers() {
        assert_eq!(
            ours.conv(&spec.name),
            theirs.conv(&spec.name),
            "{name} {}",
            spec.name
        );
    }
}

#[test]
fn the_same_numbers_in_any_format_are_the_same_weights() {
    use {Convention::*, Format::*};
    let expected = tiny("tiny.safetensors").weights;
    for (name, format, convention, stored) in [
        ("tiny.safetensors", Safetensors, CaffeRgb, "f32"),
        ("tiny_bgr.safetensors", Safetensors, CaffeBgr, "f32"),
        ("caffe.pth", PyTorch, CaffeBgr, "f32"),
        ("caffe_legacy.pth", PyTorch, CaffeBgr, "f32"),
        ("caffe_nested_f64.pth", PyTorch, CaffeBgr, "f64"),
        ("caffe_channels_last.pth", PyTorch, CaffeBgr, "f32"),
        ("caffe_one_storage.pth", PyTorch, CaffeBgr, "f32"),
        ("checkpoint_legacy.pth", PyTorch, CaffeBgr, "f32"),
        ("checkpoint_protocol_4.pth", PyTorch, CaffeBgr, "f32"),
        ("johnson_legacy.pth", PyTorch, CaffeBgr, "f32"),
        ("matconvnet.mat", Matlab, CaffeRgb, "f32"),
        ("matconvnet_plain.mat", Matlab, CaffeRgb, "f32"),
        ("matconvnet_old_f64.mat", Matlab, CaffeRgb, "f64"),
        ("flat.mat", Matlab, CaffeRgb, "f32"),
        ("keras_1.h5", Hdf5, CaffeBgr, "f32"),
        ("keras_chunked.h5", Hdf5, CaffeBgr, "f32"),
        ("keras_3.h5", Hdf5, CaffeBgr, "f32"),
        ("hwio.npz", Npz, CaffeRgb, "f32"),
        ("oihw_fortran.npz", Npz, CaffeRgb, "f32, f64"),
    ] {
        let loaded = tiny(name);
        assert_same(&loaded.weights, &expected, name);
        let told = (loaded.format, loaded.convention, loaded.stored.as_str());
        assert_eq!(told, (format, convention, stored), "{name}");
    }
}

#[test]
fn half_precision_is_read_to_the_last_bit() {
    let exact = tiny("tiny.safetensors").weights;
    let rounded = |name: &str, round: fn(f32) -> f32| {
        let read = tiny(name).weights;
        for spec in TINY.layers() {
            let (Some(exact), Some(read)) = (exact.conv(&spec.name), read.conv(&spec.name)) else {
                continue;
            };
            assert_eq!(
                read.kernel,
                exact.kernel.mapv(round),
                "{name} {}",
                spec.name
            );
            assert_eq!(read.bias, exact.bias.mapv(round), "{name} {}", spec.name);
        }
    };
    rounded("tiny_f16.safetensors", |w| f16::from_f32(w).to_f32());
    rounded("tiny_bf16.safetensors", |w| bf16::from_f32(w).to_f32());
}

static EXPECTED: &[u8] = include_bytes!("weights/expected.safetensors");

/// The outputs of all layers for the picture of pixels 0..255 in the fixture, computed in f64 from the weights in a file.
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
        Engine::Reference,
    );
    let activations = network.forward(&picture, layers.len(), |_| true);
    let outputs = layers.into_iter().enumerate();
    outputs
        .map(|(layer, spec)| (spec.name, activations.of(layer).clone()))
        .collect()
}

/// The weights are folded in double precision and rounded to single: 6e-8 of each, of which the sums over some layers make
/// some 1e-6.
#[test]
fn networks_of_torchvision_compute_what_they_compute_in_pytorch() {
    for (file, expected) in [
        ("torchvision.pth", "torchvision"),
        ("torchvision_legacy.pth", "torchvision"),
        ("timm.safetensors", "torchvision"),
        ("torchvision_bn.pth", "torchvision_bn"),
    ] {
        let loaded = tiny(file);
        assert_eq!(loaded.convention, Convention::Torchvision, "{file}");
        assert_eq!(loaded.normalised, file.contains("_bn"), "{file}");
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
    assert_eq!(half.stored, "f16");
    let (layer, output) = outputs(&half).swap_remove(0);
    let error = distance(
        &output,
        &golden_array(EXPECTED, &format!("torchvision.{layer}")),
    );
    assert!((1e-6..1e-3).contains(&error), "{error:e}");
}

/// Beyond the border is the colour that is 0 to the network. Ours and torchvision's differ by half a grey level at most; nowhere
/// else do the two differ.
#[test]
fn folding_torchvisions_convention_changes_no_pixel_but_the_border() {
    let loaded = tiny("torchvision.pth");
    let (_, output) = outputs(&loaded).swap_remove(0);
    let theirs =
        golden_array::<f64>(EXPECTED, "torchvision.first_in_its_own_border").mapv(|x| x.max(0.0));
    let (h, w, _) = theirs.dim();
    let inside = s![1..h - 1, 1..w - 1, ..];
    let [ours, expected] = [&output, &theirs].map(|layer| layer.slice(inside).to_owned());
    assert!(distance(&ours, &expected) < 1e-6);
    let differ = (&output - &theirs).mapv(f64::abs);
    let most = differ.fold(0.0_f64, |most, &x| most.max(x));
    // Five of nine positions lie beyond a corner: Σ|W| of the folded kernel over them, by half a grey level in each channel.
    let kernel = &loaded.weights.conv("conv1_1").unwrap().kernel;
    let widest = (kernel.axis_iter(Axis(3))).map(|kernel| kernel.fold(0.0, |sum, w| sum + w.abs()));
    let bound = 0.5 * f64::from(widest.fold(0.0, f32::max));
    assert!(most > 1e-6 && most < bound, "{most:e}, bound {bound:e}");
}

#[test]
fn a_convention_that_is_given_is_held_for_true() {
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
    let mut turned = bgr.conv("conv1_1").unwrap().kernel.clone();
    turned.invert_axis(Axis(2));
    assert_eq!(as_rgb.conv("conv1_1").unwrap().kernel, turned);
    assert_eq!(as_rgb.conv("conv1_2"), bgr.conv("conv1_2"));
    // J. Johnson's files, saved again under torchvision's names.
    let as_bgr = read("timm.safetensors", Some(Convention::CaffeBgr));
    let as_rgb = read("timm.safetensors", Some(Convention::CaffeRgb)).weights;
    let mut turned = as_rgb.conv("conv1_1").unwrap().kernel.clone();
    turned.invert_axis(Axis(2));
    assert_eq!(as_bgr.weights.conv("conv1_1").unwrap().kernel, turned);
}

/// A flat MATLAB file in either byte order, with the mean as MATLAB stores whole numbers: bytes of an array of doubles.
#[test]
fn matlab_files_in_either_byte_order_and_with_another_mean() {
    let expected = tiny("tiny.safetensors").weights;
    for big_endian in [false, true] {
        let mat = Mat { big_endian };
        let mut variables = Vec::new();
        for spec in TINY.layers() {
            let Some(conv) = expected.conv(&spec.name) else {
                continue;
            };
            let edges: Vec<u32> = conv
                .kernel
                .shape()
                .iter()
                .map(|&edge| edge as u32)
                .collect();
            // Column-major: the first axis is the one of neighbours.
            let kernel = conv
                .kernel
                .t()
                .iter()
                .map(|&w| w.into())
                .collect::<Vec<f64>>();
            variables.extend(mat.doubles(&format!("{}_w", spec.name), &edges, kernel.into_iter()));
            let bias = conv.bias.iter().map(|&b| b.into());
            variables.extend(mat.doubles(
                &format!("{}_b", spec.name),
                &[1, conv.bias.len() as u32],
                bias,
            ));
        }
        assert_same(
            &tiny_weights(mat.file(&variables)).unwrap().weights,
            &expected,
            "flat",
        );

        let mean = [120.0, 100.0, 90.0];
        let bytes = mat.value(6, &[1, 1, 3], "", &mat.element(2, &mean.map(|m| m as u8)));
        variables.extend(mat.structure("normalization", "averageImage", &bytes));
        let loaded = tiny_weights(mat.file(&variables)).unwrap();
        assert_eq!(loaded.mean, Some(mean));
        let (ours, theirs) = (
            loaded.weights.conv("conv1_1").unwrap(),
            expected.conv("conv1_1").unwrap(),
        );
        assert_eq!(ours.kernel, theirs.kernel);
        for (o, (ours, theirs)) in ours.bias.iter().zip(&theirs.bias).enumerate() {
            // W ∗ (x + MEAN − m) + b
            let kernel = expected
                .conv("conv1_1")
                .unwrap()
                .kernel
                .index_axis(Axis(3), o)
                .to_owned();
            let shift: f64 = (kernel.indexed_iter())
                .map(|((_, _, c), &w)| f64::from(w) * (f64::from(vgg::MEAN[c]) - mean[c]))
                .sum();
            assert!(
                (f64::from(*ours) - f64::from(*theirs) - shift).abs() < 1e-4,
                "channel {o}"
            );
        }
    }
}

/// A network for BGR that was converted as if it were for RGB is put right by the option.
#[test]
fn a_mean_that_was_stated_of_other_pixels_is_not_used() {
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
        "put right",
    );
    // And the same bytes each time.
    read(fixture("caffe.pth"), Convention::CaffeRgb)
        .write(&path, Precision::F32)
        .unwrap();
    assert!(std::fs::read(&path).unwrap() == bytes);
}

/// One bit of one number, where the format has a checksum.
#[test]
fn a_flipped_bit_of_a_number_is_found_where_there_is_a_checksum() {
    let weights = tiny("tiny.safetensors").weights;
    let number = weights.conv("conv3_1").unwrap().bias[5].to_le_bytes();
    for name in ["hwio.npz", "caffe.pth", "keras_chunked.h5"] {
        let mut bytes = fixture(name);
        let at = if name == "keras_chunked.h5" {
            bytes.len() / 2 // inside of what is packed: a kernel
        } else {
            bytes.windows(4).position(|four| four == number).unwrap()
        };
        bytes[at] ^= 1;
        assert!(tiny_weights(bytes).is_err(), "{name}");
    }
    // Of a compressed variable the checksum comes last.
    let mut bytes = fixture("matconvnet.mat");
    let first = u32::from_le_bytes(bytes[132..136].try_into().unwrap()) as usize;
    bytes[136 + first - 1] ^= 1;
    let refusal = tiny_weights(bytes).unwrap_err();
    assert!(refusal.contains("cannot be unpacked"), "{refusal}");
}
