//! Writing weights to a safetensors file: kernels OIHW, for RGB pixels in 0..255 minus the mean. The header states all this.

use super::{ConvWeights, NoSuchConvolution, Weights, WriteError};
use crate::files::atomic_file::AtomicFile;
use crate::vgg::MEAN;
use half::f16;
use ndarray::ArrayViewD;
use safetensors::tensor::{Dtype, View, serialize};
use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

/// The type of the numbers that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Half precision, with a mantissa of 11 bits.
    F16,
    /// Single precision.
    F32,
}

impl Precision {
    /// Half precision if it represents all of these weights exactly, else single precision.
    pub fn lossless(weights: &Weights) -> Self {
        let is_exact = |&w: &f32| f16::from_f32(w).to_f32() == w;
        if weights
            .convs
            .values()
            .all(|conv| conv.values().all(is_exact))
        {
            Self::F16
        } else {
            Self::F32
        }
    }

    /// The size of a number in bytes.
    fn size(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
        }
    }
}

impl ConvWeights {
    fn values(&self) -> impl Iterator<Item = &f32> {
        self.kernel.iter().chain(&self.bias)
    }
}

impl Weights {
    /// These weights from conv1_1 through the convolution `deepest`, without those behind it.
    ///
    /// # Errors
    /// If the weights do not contain `deepest`.
    pub fn through(mut self, deepest: &str) -> Result<Self, NoSuchConvolution> {
        let available: Vec<String> = (self.architecture.layers().into_iter())
            .map(|spec| spec.name)
            .filter(|name| self.convs.contains_key(name))
            .collect();
        let Some(last) = available.iter().position(|name| name == deepest) else {
            return Err(NoSuchConvolution {
                layer: deepest.to_owned(),
                available,
            });
        };
        self.convs
            .retain(|name, _| available[..=last].contains(name));
        Ok(self)
    }

    /// The largest absolute change that rounding to this precision makes to a number.
    pub fn rounding(&self, precision: Precision) -> f32 {
        let change = |&w: &f32| match precision {
            Precision::F16 => (f16::from_f32(w).to_f32() - w).abs(),
            Precision::F32 => 0.0,
        };
        (self.convs.values())
            .flat_map(|conv| conv.values().map(change))
            .fold(0.0, f32::max)
    }

    /// Writes the weights to a safetensors file. If that fails, an older file at `path` is unchanged. The same weights give the
    /// same bytes.
    ///
    /// # Errors
    /// If a number is too large for the precision, or the file cannot be written.
    pub fn write(&self, path: &Path, precision: Precision) -> Result<(), WriteError> {
        if self.rounding(precision).is_infinite() {
            return Err(WriteError::TooLargeForF16);
        }
        let mut tensors = Vec::new();
        for (name, conv) in &self.convs {
            let oihw = conv.kernel.view().permuted_axes([3, 2, 0, 1]);
            let tensor = |values| Tensor { values, precision };
            tensors.push((format!("{name}.weight"), tensor(oihw.into_dyn())));
            tensors.push((format!("{name}.bias"), tensor(conv.bias.view().into_dyn())));
        }
        let [red, green, blue] = MEAN;
        let mean = format!("{red},{green},{blue}");
        let metadata = [
            ("arch", self.architecture.name),
            ("layout", "OIHW"),
            ("channels", "RGB"),
            ("range", "0..255"),
            ("mean", &mean),
        ];

        let mut bytes = serialize(tensors, None).map_err(WriteError::Encode)?;
        insert_metadata(&mut bytes, &metadata);
        AtomicFile::new(path)
            .and_then(|file| file.write(|file| file.write_all(&bytes)))
            .map_err(WriteError::File)
    }
}

/// Inserts metadata at the start of the header of a safetensors file, in this order. The library would write it in another
/// order each time.
fn insert_metadata(bytes: &mut Vec<u8>, metadata: &[(&str, &str)]) {
    let length = bytes
        .first_chunk()
        .map_or(0, |&length| u64::from_le_bytes(length)) as usize;
    let entries: Vec<_> = metadata
        .iter()
        .map(|(key, value)| format!("{key:?}:{value:?}"))
        .collect();
    let mut front = format!("{{\"__metadata__\":{{{}}},", entries.join(","));
    // Spaces fill the header up, so that the numbers still begin at a multiple of 8.
    let spaces = front.len().next_multiple_of(8) + 1 - front.len();
    front.extend(std::iter::repeat_n(' ', spaces));
    bytes.splice(8..9, front.bytes()); // replaces the opening brace
    bytes[..8].copy_from_slice(&((length + front.len() - 1) as u64).to_le_bytes());
}

/// An array that is encoded when the library asks for its bytes.
struct Tensor<'a> {
    values: ArrayViewD<'a, f32>,
    precision: Precision,
}

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        match self.precision {
            Precision::F16 => Dtype::F16,
            Precision::F32 => Dtype::F32,
        }
    }

    fn shape(&self) -> &[usize] {
        self.values.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.precision {
            Precision::F16 => (self.values.iter())
                .flat_map(|&w| f16::from_f32(w).to_le_bytes())
                .collect(),
            Precision::F32 => (self.values.iter()).flat_map(|w| w.to_le_bytes()).collect(),
        }
    }

    fn data_len(&self) -> usize {
        self.values.len() * self.precision.size()
    }
}
