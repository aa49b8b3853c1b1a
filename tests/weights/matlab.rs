//! Flat MATLAB files: in either byte order, compressed or not, with numbers of each type, and compared with another reader.

use crate::common::mat::{Mat, Storage};
use crate::common::{TINY, random_weights, tiny_weights};
use crate::{assert_same, tiny};
use impasto::vgg;
use impasto::weights::{ConvWeights, Weights};
use matfile::{MatFile, NumericData};
use ndarray::{ArrayD, Axis, ShapeBuilder};
use std::collections::BTreeMap;
use std::path::Path;

/// The variables `conv1_1_w`, `conv1_1_b` and so on of a flat file.
fn variables(mat: &Mat, weights: &Weights, storage: Storage) -> Vec<Vec<u8>> {
    let mut variables = Vec::new();
    for spec in TINY.layers() {
        let Some(conv) = weights.conv(&spec.name) else {
            continue;
        };
        let lengths = conv.kernel.shape().iter();
        let shape: Vec<u32> = lengths.map(|&length| length as u32).collect();
        // Reversing the axes gives column-major order.
        let kernel = conv
            .kernel
            .t()
            .iter()
            .map(|&w| w.into())
            .collect::<Vec<_>>();
        let name = format!("{}_w", spec.name);
        variables.push(mat.array(&name, &shape, storage, kernel.into_iter()));
        let (name, shape) = (format!("{}_b", spec.name), [1, conv.bias.len() as u32]);
        let bias = conv.bias.iter().map(|&b| b.into());
        variables.push(mat.array(&name, &shape, storage, bias));
    }
    variables
}

/// The file states another mean, which MATLAB would store as integers.
#[test]
fn a_mean_in_the_file_is_used() {
    let expected = tiny("tiny.safetensors").weights;
    for big_endian in [false, true] {
        let mat = Mat { big_endian };
        let mut variables = variables(&mat, &expected, Storage::F64);
        let plain = tiny_weights(mat.file(&variables.concat())).unwrap();
        assert_same(&plain.weights, &expected, "flat");

        let mean = [120.0, 100.0, 90.0];
        let array = mat.array("", &[1, 1, 3], Storage::U8, mean.into_iter());
        variables.push(mat.structure("normalization", "averageImage", &array));
        let loaded = tiny_weights(mat.file(&variables.concat())).unwrap();
        assert_eq!(loaded.mean, Some(mean));
        let first = |weights: &Weights| weights.conv("conv1_1").unwrap().clone();
        let (ours, original) = (first(&loaded.weights), first(&expected));
        assert_eq!(ours.kernel, original.kernel);
        for (o, (ours, bias)) in ours.bias.iter().zip(&original.bias).enumerate() {
            // W ∗ (x + MEAN − m) + b
            let kernel = original.kernel.index_axis(Axis(3), o);
            let shift: f64 = (kernel.indexed_iter())
                .map(|((_, _, c), &w)| f64::from(w) * (f64::from(vgg::MEAN[c]) - mean[c]))
                .sum();
            let error = f64::from(*ours) - f64::from(*bias) - shift;
            assert!(error.abs() < 1e-4, "channel {o}: {error:e}");
        }
    }
}

/// The arrays of a flat file as `matfile` reads them, by name. It reads both byte orders, compressed variables and all types
/// of numbers, but neither cells nor structs: of a MatConvNet network it finds no array.
fn oracle(bytes: &[u8]) -> BTreeMap<String, ArrayD<f32>> {
    let file = MatFile::parse(bytes).unwrap();
    let arrays = file.arrays().iter().map(|array| {
        let values: Vec<f32> = match array.data() {
            NumericData::Single { real, imag: None } => real.clone(),
            NumericData::Double { real, imag: None } => real.iter().map(|&x| x as f32).collect(),
            other => panic!("{}: {other:?}", array.name()),
        };
        let shape = array.size().clone().f(); // column-major
        let array = (
            array.name().to_owned(),
            ArrayD::from_shape_vec(shape, values),
        );
        (array.0, array.1.unwrap())
    });
    arrays.collect()
}

/// Checks that our reader gives the arrays that `matfile` gives. Returns how many arrays were compared.
fn compare(bytes: &[u8], what: &str) -> usize {
    let expected = oracle(bytes);
    if expected.is_empty() {
        return 0;
    }
    let weights = tiny_weights(bytes.to_vec())
        .unwrap_or_else(|error| panic!("{what}: {error}"))
        .weights;
    let mut compared = 0;
    for (name, expected) in &expected {
        let (layer, part) = name.rsplit_once('_').unwrap();
        let conv: &ConvWeights = weights.conv(layer).unwrap();
        let ours: Vec<f32> = match part {
            "w" => {
                assert_eq!(conv.kernel.shape(), expected.shape(), "{what}: {name}");
                conv.kernel.iter().copied().collect()
            }
            "b" => conv.bias.to_vec(),
            _ => panic!("{what}: {name}"),
        };
        let expected: Vec<f32> = expected.iter().copied().collect();
        assert_eq!(ours, expected, "{what}: {name}");
        compared += 1;
    }
    compared
}

/// Each file has a kernel and a bias for each of the five convolutions.
const ARRAYS: usize = 10;

#[test]
fn flat_files_give_the_arrays_that_another_reader_gives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights");
    let mut flat = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "mat") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match compare(&std::fs::read(&path).unwrap(), &name) {
                0 => {} // a MatConvNet network
                ARRAYS => flat.push(name),
                count => panic!("{name}: {count} arrays"),
            }
        }
    }
    assert_eq!(flat, ["flat.mat"]);
}

#[test]
fn generated_flat_files_give_the_arrays_that_another_reader_gives() {
    use Storage::{F32, F64, I16, I32, U8, U16};
    let random = random_weights(TINY, 5);
    let mut compared = 0;
    for storage in [F32, F64, U8, U16, I16, I32] {
        // Integers need whole numbers within their range.
        let weights = match storage {
            F32 | F64 => random.clone(),
            U8 | U16 => map_values(&random, |w| (100.0 * w).abs().round()),
            I16 | I32 => map_values(&random, |w| (100.0 * w).round()),
        };
        for big_endian in [false, true] {
            let mat = Mat { big_endian };
            let plain = variables(&mat, &weights, storage);
            let compressed: Vec<_> = plain.iter().map(|plain| mat.compressed(plain)).collect();
            for (variables, packing) in [(plain, "plain"), (compressed, "compressed")] {
                let what = format!("{storage:?}, big-endian {big_endian}, {packing}");
                let bytes = mat.file(&variables.concat());
                assert_eq!(compare(&bytes, &what), ARRAYS, "{what}");
                assert_same(&tiny_weights(bytes).unwrap().weights, &weights, &what);
                compared += ARRAYS;
            }
        }
    }
    assert_eq!(compared, 6 * 2 * 2 * ARRAYS);
}

/// Weights with `change` applied to each number.
fn map_values(weights: &Weights, change: fn(f32) -> f32) -> Weights {
    let convs = TINY.layers().into_iter().filter_map(|spec| {
        let conv = weights.conv(&spec.name)?;
        let conv = ConvWeights {
            kernel: conv.kernel.mapv(change),
            bias: conv.bias.mapv(change),
        };
        Some((spec.name, conv))
    });
    Weights::new(convs.collect(), &[TINY]).unwrap()
}
