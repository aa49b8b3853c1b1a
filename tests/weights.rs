//! Weights files of each format, architecture and number type. `weights/make_weights.py` made the files that are read here.

mod common;
#[path = "weights/conventions.rs"]
mod conventions;
#[path = "weights/matlab.rs"]
mod matlab;

use common::{TINY, random_weights, tiny_weights};
use half::{bf16, f16};
use impasto::vgg::{Architecture, LayerKind, VGG16, VGG19};
use impasto::weights::{
    self, Convention, Format, InvalidWeights, Loaded, ReadError, ReadOptions, Weights,
};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::HashMap;

/// The bytes of a number.
type Encode = fn(f32) -> Vec<u8>;

/// The bytes of a safetensors file with these weights, kernels in OIHW.
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
fn each_number_type_is_decoded_exactly() {
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
fn the_architecture_follows_from_the_layers() {
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
fn incomplete_weights_reach_to_their_last_convolution() {
    // Through conv3_3 the two architectures are equal. Behind it VGG-16 has a pool and VGG-19 a convolution.
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
fn ambiguous_or_useless_files_are_refused() {
    let refusal = |bytes: Vec<u8>| tiny_weights(bytes).unwrap_err().to_string();
    let theano = refusal(fixture("keras_theano.h5"));
    assert!(theano.contains("Theano's order"), "{theano}");
    // Index 1 of torchvision's sequence is a ReLU, so there is no convolution.
    let tensor = |bytes| TensorView::new(Dtype::F32, vec![1], bytes).unwrap();
    let relu = serialize([("features.1.weight", tensor(&[0; 4]))], None).unwrap();
    let empty = refusal(relu);
    assert!(empty.contains("there is no convolution"), "{empty}");
    // Batch normalization under other names than torchvision's.
    let whole = fixture("tiny.safetensors");
    let mut tensors = SafeTensors::deserialize(&whole).unwrap().tensors();
    tensors.push(("bn1_1.running_var".to_owned(), tensor(&[0; 4])));
    let norm = refusal(serialize(tensors, None).unwrap());
    assert!(
        norm.contains("bn1_1.running_var belongs to a batch normalization"),
        "{norm}"
    );
}

/// The values are NaN, which would be refused if they were decoded first.
#[test]
fn a_wrong_shape_is_refused_before_memory_is_allocated() {
    let header = r#"{"conv1_1.bias":{"dtype":"F16","shape":[64],"data_offsets":[0,128]},
        "conv1_1.weight":{"dtype":"F16","shape":[64,3,3,4],"data_offsets":[128,4736]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.resize(bytes.len() + 4736, 0xFF);
    let refusal = weights::read(&bytes.into(), &ReadOptions::default()).unwrap_err();
    assert!(
        matches!(
            &refusal,
            ReadError::Invalid(InvalidWeights::WrongShape { .. })
        ),
        "{refusal:?}"
    );
    assert!(
        refusal
            .to_string()
            .contains("conv1_1.weight has the shape 64×3×3×4, not 64×3×3×3"),
        "{refusal}"
    );
}

/// The kind of error says whose fault it is.
#[test]
fn errors_have_the_kind_of_their_cause() {
    let refusal = |bytes: &[u8]| tiny_weights(bytes.to_vec()).unwrap_err();
    let whole = fixture("tiny.safetensors");
    assert!(matches!(refusal(b"<html>"), ReadError::NotWeights(_)));
    assert!(matches!(refusal(&whole[..100]), ReadError::Damaged(_)));
    assert!(matches!(
        refusal(&fixture("keras_theano.h5")),
        ReadError::Unsupported(_)
    ));
    let mut convs = std::collections::BTreeMap::new();
    let weights = tiny("tiny.safetensors").weights;
    convs.insert(
        "conv1_2".to_owned(),
        weights.conv("conv1_2").unwrap().clone(),
    );
    let missing = Weights::new(convs, &[TINY]).unwrap_err();
    let expected = InvalidWeights::MissingLayer {
        layer: "conv1_1".to_owned(),
        architecture: TINY.name,
    };
    assert_eq!(missing, expected);
}

/// The bytes of a file of `weights/`.
fn fixture(name: &str) -> Vec<u8> {
    let path = format!("{}/tests/weights/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The weights of a file of `weights/`.
fn tiny(name: &str) -> Loaded {
    tiny_weights(fixture(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
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
fn all_formats_give_the_same_weights() {
    use {Convention::*, Format::*};
    let expected = tiny("tiny.safetensors").weights;
    for (name, format, convention, element_types) in [
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
        let facts = (
            loaded.format,
            loaded.convention,
            loaded.element_types.as_str(),
        );
        assert_eq!(facts, (format, convention, element_types), "{name}");
    }
}

#[test]
fn half_precision_is_decoded_exactly() {
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

#[test]
fn checksums_detect_a_flipped_bit() {
    let weights = tiny("tiny.safetensors").weights;
    let number = weights.conv("conv3_1").unwrap().bias[5].to_le_bytes();
    for name in ["hwio.npz", "caffe.pth", "keras_chunked.h5"] {
        let mut bytes = fixture(name);
        let at = if name == "keras_chunked.h5" {
            bytes.len() / 2 // inside a compressed kernel
        } else {
            bytes.windows(4).position(|four| four == number).unwrap()
        };
        bytes[at] ^= 1;
        assert!(tiny_weights(bytes).is_err(), "{name}");
    }
    // The checksum is at the end of a compressed variable.
    let mut bytes = fixture("matconvnet.mat");
    let first = u32::from_le_bytes(bytes[132..136].try_into().unwrap()) as usize;
    bytes[136 + first - 1] ^= 1;
    let refusal = tiny_weights(bytes).unwrap_err().to_string();
    assert!(refusal.contains("cannot be unpacked"), "{refusal}");
}
