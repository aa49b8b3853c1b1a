//! The network's weights: read from a file, or from bytes built into the program.
//!
//! Whatever the file, the result is the same [`Weights`]: kernels 3 × 3 × Cin × Cout (HWIO) in `f32`, for RGB pixels
//! 0..255 less [`vgg::MEAN`](crate::vgg::MEAN).

mod locate;
mod random;
mod safetensors;

pub use locate::{ENVIRONMENT, Source, locate};

use crate::vgg::{Architecture, LayerKind, LayerSpec, VGG16, VGG19};
use ndarray::{Array1, Array4};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The largest weights file that is read: VGG-19 with its fully connected layers is 0.6 GB in `f32`.
const LARGEST: u64 = 2 << 30;

/// The convolutions of a VGG network, from conv1_1 down to some layer without a gap.
#[derive(Clone, Debug)]
pub struct Weights {
    architecture: Architecture,
    convs: BTreeMap<String, ConvWeights>,
}

/// The weights of one convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct ConvWeights {
    /// 3 × 3 × Cin × Cout (HWIO).
    pub kernel: Array4<f32>,
    /// Cout.
    pub bias: Array1<f32>,
}

/// Why weights cannot be used.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The file is not there, or cannot be read.
    #[error("{}: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The contents are not weights of a VGG network.
    #[error("{name}: {trouble}")]
    Unusable {
        /// The file, or what else the weights were read from.
        name: String,
        /// What is wrong with it.
        trouble: String,
    },
    /// No weights anywhere.
    #[error("{0}")]
    NotFound(String),
}

impl Weights {
    /// Reads the weights from where [`locate`] found them.
    ///
    /// # Errors
    /// If they cannot be read, or are not those of VGG-16 or VGG-19.
    pub fn load(source: &Source) -> Result<Self, WeightsError> {
        match source {
            Source::BuiltIn(bytes) => Self::from_safetensors(bytes, "the built-in weights"),
            Source::File(path) => Self::from_safetensors(&read(path)?, &path.display().to_string()),
        }
    }

    /// Weights of VGG-16 or VGG-19 in the bytes of a safetensors file. `name` says in messages what they are.
    ///
    /// # Errors
    /// If the bytes are damaged, or a layer is missing or of the wrong shape or not finite.
    pub fn from_safetensors(bytes: &[u8], name: &str) -> Result<Self, WeightsError> {
        Self::of_architectures(bytes, &[VGG16, VGG19]).map_err(|trouble| WeightsError::Unusable {
            name: name.to_owned(),
            trouble,
        })
    }

    /// Weights in the bytes of a safetensors file, for the first of `candidates` that has every layer in it.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn of_architectures(bytes: &[u8], candidates: &[Architecture]) -> Result<Self, String> {
        Self::new(safetensors::read(bytes, candidates)?, candidates)
    }

    /// Checked weights: of the first of `candidates` that has a layer for each name in `convs`.
    ///
    /// # Errors
    /// What is wrong, as a sentence, if there is no such candidate, if a layer is missing before the deepest one, or if one
    /// has the wrong shape or a value that is not finite.
    pub fn new(
        convs: BTreeMap<String, ConvWeights>,
        candidates: &[Architecture],
    ) -> Result<Self, String> {
        let architecture = (candidates.iter())
            .find(|candidate| convs.keys().all(|name| candidate.find(name).is_ok()))
            .copied()
            .ok_or_else(|| {
                let known: Vec<_> = candidates.iter().map(|known| known.name).collect();
                let unknown =
                    |name: &&String| candidates.iter().all(|known| known.find(name).is_err());
                let stranger = convs.keys().find(unknown).or(convs.keys().next_back());
                format!(
                    "it has {} layers, with {} among them, and is not {}",
                    convs.len(),
                    stranger.map_or("none", String::as_str),
                    known.join(" or ")
                )
            })?;
        let mut missing: Option<String> = None;
        for spec in architecture.layers() {
            let LayerKind::Conv { inputs, outputs } = spec.kind else {
                continue;
            };
            match (convs.get(&spec.name), &missing) {
                (None, _) => missing = missing.or(Some(spec.name)),
                (Some(_), Some(missing)) => {
                    return Err(format!(
                        "layer {missing} of {} is missing",
                        architecture.name
                    ));
                }
                (Some(conv), None) => check(&spec.name, conv, inputs, outputs)?,
            }
        }
        Ok(Self {
            architecture,
            convs,
        })
    }

    /// The network that these weights are for.
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The weights of the convolution called `name`; none for a pooling layer.
    pub fn conv(&self, name: &str) -> Option<&ConvWeights> {
        self.convs.get(name)
    }

    /// How many of [`Architecture::layers`] these weights serve: through the last convolution that they have.
    ///
    /// The pool behind it counts only if they have all: VGG-16 and VGG-19 pool at different depths, and weights that end
    /// early may be of either.
    pub fn depth(&self) -> usize {
        let layers = self.architecture.layers();
        let missing =
            |spec: &LayerSpec| spec.kind != LayerKind::Pool && !self.convs.contains_key(&spec.name);
        match layers.iter().position(missing) {
            None => layers.len(),
            Some(first) if layers[first - 1].kind == LayerKind::Pool => first - 1,
            Some(first) => first,
        }
    }
}

/// Holds one convolution against the shape that its place in the network asks for.
fn check(name: &str, conv: &ConvWeights, inputs: usize, outputs: usize) -> Result<(), String> {
    let (kh, kw, cin, cout) = conv.kernel.dim();
    expect_shape(
        &format!("{name}.weight"),
        &[cout, cin, kh, kw],
        &[outputs, inputs, 3, 3],
    )?;
    expect_shape(&format!("{name}.bias"), &[conv.bias.len()], &[outputs])?;
    if !conv.kernel.iter().chain(&conv.bias).all(|w| w.is_finite()) {
        return Err(format!("layer {name} has values that are NaN or infinite"));
    }
    Ok(())
}

/// Refuses a tensor of another shape than its place in the network asks for (kernels as OIHW).
fn expect_shape(name: &str, found: &[usize], expected: &[usize]) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let text = |shape: &[usize]| {
        let edges: Vec<_> = shape.iter().map(usize::to_string).collect();
        edges.join("×")
    };
    let (found, expected) = (text(found), text(expected));
    Err(format!("{name} has the shape {found}, not {expected}"))
}

/// The bytes of a regular file of a believable size.
fn read(path: &Path) -> Result<Vec<u8>, WeightsError> {
    let unreadable = |reason: String| WeightsError::Unreadable {
        path: path.to_owned(),
        reason,
    };
    let metadata = std::fs::metadata(path).map_err(|error| unreadable(crate::os_reason(&error)))?;
    if !metadata.is_file() {
        return Err(unreadable(
            "not a file; name a .safetensors file".to_owned(),
        ));
    }
    if metadata.len() > LARGEST {
        let size = metadata.len() >> 20;
        return Err(unreadable(format!(
            "{size} MB is too large for the weights of a VGG network"
        )));
    }
    let mut bytes = Vec::new();
    (File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes)))
        .map_err(|error| unreadable(crate::os_reason(&error)))?;
    Ok(bytes)
}
