//! Weights files of each architecture and number type.

mod common;

use common::{TINY, random_weights};
use half::{bf16, f16};
use impasto::vgg::{Architecture, LayerKind, VGG16, VGG19};
use impasto::weights::Weights;
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
        let read = Weights::of_architectures(&bytes, &[TINY]).unwrap();
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
        let read = Weights::from_safetensors(&bytes, "w").unwrap();
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
fn weights_for_other_pixels_are_refused() {
    let weights = random_weights(TINY, 4);
    let encode: Encode = |w| w.to_le_bytes().into();
    for (key, value) in [("channels", "BGR"), ("range", "0..1"), ("layout", "HWIO")] {
        let bytes = file(&weights, Dtype::F32, encode, &[(key, value)]);
        let refusal = Weights::of_architectures(&bytes, &[TINY]).unwrap_err();
        assert!(
            refusal.contains(&format!("its {key} is {value}")),
            "{refusal}"
        );
    }
    let ours = [("channels", "RGB"), ("range", "0..255"), ("layout", "OIHW")];
    let bytes = file(&weights, Dtype::F32, encode, &ours);
    assert!(Weights::of_architectures(&bytes, &[TINY]).is_ok());
}

/// The values are NaN, and are not looked at.
#[test]
fn a_wrong_shape_is_refused_before_memory_is_taken() {
    let header = r#"{"conv1_1.bias":{"dtype":"F16","shape":[64],"data_offsets":[0,128]},
        "conv1_1.weight":{"dtype":"F16","shape":[64,3,3,4],"data_offsets":[128,4736]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.resize(bytes.len() + 4736, 0xFF); // NaN, if it were looked at
    let refusal = Weights::from_safetensors(&bytes, "w")
        .unwrap_err()
        .to_string();
    assert!(
        refusal.contains("conv1_1.weight has the shape 64×3×3×4, not 64×3×3×3"),
        "{refusal}"
    );
}
