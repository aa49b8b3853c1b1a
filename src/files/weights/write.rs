//! Weights as a safetensors file: kernels OIHW, for RGB pixels 0..255 less the mean, and the header says so.

use super::{ConvWeights, Weights};
use crate::files::atomic_file::AtomicFile;
use crate::vgg::MEAN;
use half::f16;
use ndarray::ArrayViewD;
use safetensors::tensor::{Dtype, View, serialize};
use std::borrow::Cow;
use std::io::Write;
use std::path::Path;

/// How numbers are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// Half precision: 11 bits of each number, half the file.
    F16,
    /// Single precision.
    F32,
}

impl Precision {
    /// Half precision if that loses nothing of these weights, else single.
    pub fn lossless(weights: &Weights) -> Self {
        let exact = |&w: &f32| f16::from_f32(w).to_f32() == w;
        match weights.convs.values().all(|conv| conv.numbers().all(exact)) {
            true => Self::F16,
            false => Self::F32,
        }
    }
}

impl ConvWeights {
    fn numbers(&self) -> impl Iterator<Item = &f32> {
        self.kernel.iter().chain(&self.bias)
    }
}

impl Weights {
    /// These weights down to the convolution `deepest`.
    ///
    /// # Errors
    /// If they do not have it: what they have.
    pub fn through(mut self, deepest: &str) -> Result<Self, String> {
        let layers = self.architecture.layers();
        let names: Vec<&str> = (layers.iter())
            .filter(|spec| self.convs.contains_key(&spec.name))
            .map(|spec| spec.name.as_str())
            .collect();
        let Some(last) = names.iter().position(|name| *name == deepest) else {
            return Err(format!(
                "the weights have no convolution {deepest:?}; they have {}",
                names.join(", ")
            ));
        };
        self.convs
            .retain(|name, _| names[..=last].contains(&name.as_str()));
        Ok(self)
    }

    /// The largest change that rounding to this precision makes to a number.
    pub fn rounding(&self, precision: Precision) -> f32 {
        let change = |&w: &f32| match precision {
            Precision::F16 => (f16::from_f32(w).to_f32() - w).abs(),
            Precision::F32 => 0.0,
        };
        (self.convs.values())
            .flat_map(|conv| conv.numbers().map(change))
            .fold(0.0, f32::max)
    }

    /// Writes the weights to a safetensors file: all of it, or nothing.
    ///
    /// # Errors
    /// If a number is too large for the precision, or the file cannot be written.
    pub fn write(&self, path: &Path, precision: Precision) -> Result<(), String> {
        if self.rounding(precision).is_infinite() {
            return Err("there are weights above 65504, too large for f16; write f32".to_owned());
        }
        let mut tensors = Vec::new();
        for (name, conv) in &self.convs {
            let oihw = conv.kernel.view().permuted_axes([3, 2, 0, 1]);
            let tensor = |numbers| Tensor { numbers, precision };
            tensors.push((format!("{name}.weight"), tensor(oihw.into_dyn())));
            tensors.push((format!("{name}.bias"), tensor(conv.bias.view().into_dyn())));
        }
        let [red, green, blue] = MEAN;
        let mean = format!("{red},{green},{blue}");
        let says = [
            ("arch", self.architecture.name),
            ("layout", "OIHW"),
            ("channels", "RGB"),
            ("range", "0..255"),
            ("mean", &mean),
        ];

        let mut bytes = serialize(tensors, None).map_err(|error| error.to_string())?;
        put_in_front(&mut bytes, &says);
        let written =
            AtomicFile::new(path).and_then(|file| file.write(|file| file.write_all(&bytes)));
        written.map_err(|error| error.to_string())
    }
}

/// Puts what the header `says` in front of the header that is there: in this order, where the library would write it in
/// another each time.
fn put_in_front(bytes: &mut Vec<u8>, says: &[(&str, &str)]) {
    let length = bytes
        .first_chunk()
        .map_or(0, |&length| u64::from_le_bytes(length)) as usize;
    let said: Vec<_> = says
        .iter()
        .map(|(key, value)| format!("{key:?}:{value:?}"))
        .collect();
    let mut front = format!("{{\"__metadata__\":{{{}}},", said.join(","));
    // The numbers begin at a multiple of 8, and blanks mean nothing.
    let blanks = front.len().next_multiple_of(8) + 1 - front.len();
    front.extend(std::iter::repeat_n(' ', blanks));
    bytes.splice(8..9, front.bytes()); // the first brace
    bytes[..8].copy_from_slice(&((length + front.len() - 1) as u64).to_le_bytes());
}

/// An array that is encoded when it is written.
struct Tensor<'a> {
    numbers: ArrayViewD<'a, f32>,
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
        self.numbers.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match self.precision {
            Precision::F16 => (self.numbers.iter())
                .flat_map(|&w| f16::from_f32(w).to_le_bytes())
                .collect(),
            Precision::F32 => (self.numbers.iter())
                .flat_map(|w| w.to_le_bytes())
                .collect(),
        }
    }

    fn data_len(&self) -> usize {
        let size = match self.precision {
            Precision::F16 => 2,
            Precision::F32 => 4,
        };
        self.numbers.len() * size
    }
}
