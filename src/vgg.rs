//! The architectures VGG-16 and VGG-19 (Simonyan and Zisserman 2014), as data.
//!
//! Both have blocks of 3×3 convolutions, each followed by a ReLU, and a pooling layer after each block. `conv4_2` is the
//! second convolution of block 4, and `pool4` ends that block. The fully connected layers of the original are left out; without them
//! the network takes pictures of any size.

use thiserror::Error;

// ANCHOR: mean
/// The mean red, green and blue of VGG's training pictures, in 0..255: subtracted from every pixel.
pub const MEAN: [f32; 3] = [123.68, 116.779, 103.939];
// ANCHOR_END: mean

// ANCHOR: vgg16
/// VGG-16: configuration D of the paper.
pub const VGG16: Architecture = Architecture {
    name: "VGG-16",
    blocks: &[
        Block::new(2, 64),
        Block::new(2, 128),
        Block::new(3, 256),
        Block::new(3, 512),
        Block::new(3, 512),
    ],
};
// ANCHOR_END: vgg16

/// VGG-19: configuration E of the paper.
pub const VGG19: Architecture = Architecture {
    name: "VGG-19",
    blocks: &[
        Block::new(2, 64),
        Block::new(2, 128),
        Block::new(4, 256),
        Block::new(4, 512),
        Block::new(4, 512),
    ],
};

/// A network of the VGG family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Architecture {
    /// Its name.
    pub name: &'static str,
    /// Its blocks, from the pixels on.
    pub blocks: &'static [Block],
}

/// Some convolutions of one width, then a pooling layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// How many convolutions.
    pub convs: usize,
    /// The output channels of each.
    pub width: usize,
}

impl Block {
    /// A block of `convs` convolutions with `width` output channels each.
    pub const fn new(convs: usize, width: usize) -> Self {
        Self { convs, width }
    }
}

/// One layer of an architecture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerSpec {
    /// `conv4_2` or `pool3`.
    pub name: String,
    /// What it computes.
    pub kind: LayerKind,
    /// Pixels of the picture, along one axis, for one position of this layer's output.
    pub stride: usize,
}

/// What a layer computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    /// Convolution and ReLU.
    Conv {
        /// Input channels.
        inputs: usize,
        /// Output channels.
        outputs: usize,
    },
    /// 2×2 pooling.
    Pool,
}

/// The name of a layer that the architecture does not have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{architecture} has no layer {name:?}; its layers are {known}")]
pub struct UnknownLayer {
    name: String,
    architecture: &'static str,
    known: String,
}

impl Architecture {
    // ANCHOR: layers
    /// The layers, from the pixels on.
    pub fn layers(&self) -> Vec<LayerSpec> {
        let mut layers = Vec::new();
        let (mut inputs, mut stride) = (3, 1);
        for (block, &Block { convs, width }) in (1..).zip(self.blocks) {
            for conv in 1..=convs {
                layers.push(LayerSpec {
                    name: format!("conv{block}_{conv}"),
                    kind: LayerKind::Conv {
                        inputs,
                        outputs: width,
                    },
                    stride,
                });
                inputs = width;
            }
            stride *= 2;
            layers.push(LayerSpec {
                name: format!("pool{block}"),
                kind: LayerKind::Pool,
                stride,
            });
        }
        layers
    }
    // ANCHOR_END: layers

    /// The index of the layer called `name` in [`layers`](Self::layers).
    ///
    /// # Errors
    /// If there is none. The message lists those that there are.
    pub fn find(&self, name: &str) -> Result<usize, UnknownLayer> {
        let layers = self.layers();
        (layers.iter().position(|layer| layer.name == name)).ok_or_else(|| UnknownLayer {
            name: name.to_owned(),
            architecture: self.name,
            known: (layers.iter().map(|layer| layer.name.as_str()))
                .collect::<Vec<_>>()
                .join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vgg19_has_sixteen_convolutions_and_five_pools() {
        let layers = VGG19.layers();
        let convs = (layers.iter()).filter(|layer| layer.kind != LayerKind::Pool);
        assert_eq!((convs.count(), layers.len()), (16, 21));
        let conv5_1 = &layers[VGG19.find("conv5_1").unwrap()];
        let kind = LayerKind::Conv {
            inputs: 512,
            outputs: 512,
        };
        assert_eq!((conv5_1.kind, conv5_1.stride), (kind, 16));
    }

    #[test]
    fn the_error_for_an_unknown_layer_lists_those_that_exist() {
        let message = VGG16.find("conv3_4").unwrap_err().to_string();
        assert!(message.starts_with("VGG-16 has no layer \"conv3_4\"; its layers are conv1_1, "));
        assert!(message.ends_with("conv5_3, pool5"));
    }
}
