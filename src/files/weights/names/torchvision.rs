//! Torchvision's `features`: a sequence of modules, in which each layer has an index.
//!
//! The modules are convolution, (batch normalization,) ReLU, …, pool, and so on. ReLUs and pools have no arrays.

use super::parse::{Location, parse};
use super::{InvalidWeights, Part, Tensor};
use crate::vgg::{Architecture, LayerKind};
use std::collections::BTreeMap;

/// The modules that have arrays, by their index: the layer and what the module does in it.
#[derive(Default)]
pub(super) struct Modules(BTreeMap<usize, (String, Module)>);

#[derive(Clone, Copy, PartialEq)]
enum Module {
    Conv,
    BatchNorm,
}

impl Modules {
    /// The modules of the first of `candidates` that has convolutions where these tensors have kernels, which are the tensors
    /// with four axes.
    pub fn detect(tensors: &[Tensor], candidates: &[Architecture]) -> Result<Self, InvalidWeights> {
        let kernels: Vec<usize> = (tensors.iter())
            .filter(|tensor| tensor.shape.len() == 4)
            .filter_map(|tensor| match parse(&tensor.name) {
                Some((Location::Module(index), Part::Kernel)) => Some(index),
                _ => None,
            })
            .collect();
        let has_batch_norm = (tensors.iter()).any(|tensor| {
            matches!(
                parse(&tensor.name),
                Some((Location::Module(_), Part::Variance))
            )
        });
        (candidates.iter())
            .map(|architecture| Self::of(architecture, has_batch_norm))
            .find(|modules| kernels.iter().all(|&index| modules.is_conv(index)))
            .ok_or_else(|| {
                let known: Vec<_> = candidates.iter().map(|known| known.name).collect();
                let indices: Vec<_> = kernels.iter().map(usize::to_string).collect();
                InvalidWeights::NotVgg(format!(
                    "its convolutions, features.{}, are not those of {}",
                    indices.join(", "),
                    known.join(" or ")
                ))
            })
    }

    /// The modules of an architecture, with or without batch normalization behind each convolution.
    fn of(architecture: &Architecture, has_batch_norm: bool) -> Self {
        let mut modules = BTreeMap::new();
        let mut index = 0;
        for spec in architecture.layers() {
            if spec.kind == LayerKind::Pool {
                index += 1;
                continue;
            }
            modules.insert(index, (spec.name.clone(), Module::Conv));
            if has_batch_norm {
                modules.insert(index + 1, (spec.name, Module::BatchNorm));
            }
            index += if has_batch_norm { 3 } else { 2 };
        }
        Self(modules)
    }

    fn is_conv(&self, index: usize) -> bool {
        (self.0.get(&index)).is_some_and(|(_, module)| *module == Module::Conv)
    }

    /// The layer and the role of an array of the module at `index`.
    pub fn layer(&self, index: usize, part: Part) -> Option<(String, Part)> {
        let (layer, module) = self.0.get(&index)?;
        let part = match (module, part) {
            (Module::BatchNorm, Part::Kernel) => Part::Scale,
            (Module::BatchNorm, Part::Bias) => Part::Shift,
            (_, part) => part,
        };
        Some((layer.clone(), part))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vgg::{VGG16, VGG19};

    #[test]
    fn convolutions_have_torchvision_s_indices() {
        let convs = |architecture, has_batch_norm| -> Vec<usize> {
            let modules = Modules::of(&architecture, has_batch_norm).0.into_iter();
            let convs = modules.filter(|(_, (_, module))| *module == Module::Conv);
            convs.map(|(index, _)| index).collect()
        };
        let vgg16 = [0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28];
        assert_eq!(convs(VGG16, false), vgg16);
        let vgg16_bn = [0, 3, 7, 10, 14, 17, 20, 24, 27, 30, 34, 37, 40];
        assert_eq!(convs(VGG16, true), vgg16_bn);
        let vgg19 = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34];
        assert_eq!(convs(VGG19, false), vgg19);
    }
}
