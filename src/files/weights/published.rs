//! The list of published files of VGG weights.

use super::Convention;

/// A published file.
#[derive(Debug)]
#[cfg_attr(
    not(feature = "cli"),
    expect(dead_code, reason = "the command line shows all of it")
)]
pub(crate) struct PublishedFile {
    /// Publisher, network and variant, for display.
    pub description: &'static str,
    /// The address for downloads; none if the file is no longer offered.
    pub address: Option<&'static str>,
    /// The size in bytes, if known.
    pub bytes: Option<u64>,
    /// The terms of use.
    pub license: &'static str,
    /// The SHA-256 in hexadecimal digits, or its first eight digits, if known.
    pub sha256: Option<&'static str>,
    /// The MD5 in hexadecimal digits, if known.
    pub md5: Option<&'static str>,
    /// The pixels that the network was trained on.
    pub convention: Convention,
}

const OXFORD: &str = "CC BY 4.0, by K. Simonyan and A. Zisserman";
const TORCHVISION: &str = "none of its own; the code that trained it is BSD-3-Clause";

/// Defaults for the entries below.
const UNKNOWN: PublishedFile = PublishedFile {
    description: "",
    address: None,
    bytes: None,
    license: OXFORD,
    sha256: None,
    md5: None,
    convention: Convention::CaffeRgb,
};

/// The published files. Sizes and checksums are those that publishers and users state.
pub(crate) const PUBLISHED: &[PublishedFile] = &[
    PublishedFile {
        description: "MatConvNet's VGG-19, imagenet-vgg-verydeep-19.mat",
        address: Some("https://www.vlfeat.org/matconvnet/models/imagenet-vgg-verydeep-19.mat"),
        bytes: Some(534_904_783),
        sha256: Some("abdb57167f82a2a1fbab1e1c16ad9373411883f262a1a37ee5db2e6fb0044695"),
        md5: Some("106118b7cf60435e6d8e04f6a6dc3657"),
        ..UNKNOWN
    },
    PublishedFile {
        description: "MatConvNet's VGG-16, imagenet-vgg-verydeep-16.mat",
        address: Some("https://www.vlfeat.org/matconvnet/models/imagenet-vgg-verydeep-16.mat"),
        md5: Some("f72d927587ca4c97fbd165ec9cb9997f"),
        ..UNKNOWN
    },
    PublishedFile {
        description: "MatConvNet's VGG-19, an earlier edition",
        md5: Some("49e623de543b207d57fab0f6eaf79a7e"),
        ..UNKNOWN
    },
    PublishedFile {
        description: "MatConvNet's VGG-16, an earlier edition",
        md5: Some("7f0f9f01dfd99c7b7088d1c5a26eb483"),
        ..UNKNOWN
    },
    PublishedFile {
        description: "MatConvNet's VGG-19 in its oldest format",
        address: Some(
            "https://www.vlfeat.org/matconvnet/models/beta16/imagenet-vgg-verydeep-19.mat",
        ),
        md5: Some("8ee3263992981a1d26e73b3ca028a123"),
        ..UNKNOWN
    },
    PublishedFile {
        description: "Keras' VGG-19 without its top",
        address: Some(
            "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
        bytes: Some(80_134_624),
        sha256: Some("bde7da0dfd621cbf86e11ce04e4946a9a42634c2cfd21318bba090d860699e35"),
        md5: Some("253f8cb515780f3b799900260a226db6"),
        convention: Convention::CaffeBgr,
        ..UNKNOWN
    },
    PublishedFile {
        description: "Keras' VGG-16 without its top",
        address: Some(
            "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        ),
        bytes: Some(58_889_256),
        sha256: Some("bfe5187d0a272bed55ba430631598124cff8e880b98d38c9e56c8d66032abdc1"),
        md5: Some("6d6bbae143d832006294945121d1f1fc"),
        convention: Convention::CaffeBgr,
        ..UNKNOWN
    },
    PublishedFile {
        description: "Keras' VGG-19",
        address: Some(
            "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        bytes: Some(574_710_816),
        sha256: Some("c872d82e40328910cd7a12763dae043d56eb00efe6a137f31899514d637d4cdb"),
        md5: Some("cbe5617147190e668d6c5d5026f83318"),
        convention: Convention::CaffeBgr,
        ..UNKNOWN
    },
    PublishedFile {
        description: "Keras' VGG-16",
        address: Some(
            "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
        ),
        bytes: Some(553_467_096),
        md5: Some("64373286793e3c8b2b4e3219cbf3544b"),
        convention: Convention::CaffeBgr,
        ..UNKNOWN
    },
    PublishedFile {
        description: "torchvision's VGG-19, trained from scratch",
        address: Some("https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"),
        bytes: Some(574_673_361),
        license: TORCHVISION,
        sha256: Some("dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44"),
        convention: Convention::Torchvision,
        ..UNKNOWN
    },
    PublishedFile {
        description: "torchvision's VGG-16, trained from scratch",
        address: Some("https://download.pytorch.org/models/vgg16-397923af.pth"),
        bytes: Some(553_433_881),
        license: TORCHVISION,
        sha256: Some("397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0"),
        convention: Convention::Torchvision,
        ..UNKNOWN
    },
    PublishedFile {
        description: "torchvision's VGG-19 with batch normalization",
        address: Some("https://download.pytorch.org/models/vgg19_bn-c79401a0.pth"),
        bytes: Some(574_769_405),
        license: TORCHVISION,
        sha256: Some("c79401a0cf3cb42714e4182f5868c7a6f4f4534f5df9e956e2bb2098de41cbb6"),
        convention: Convention::Torchvision,
        ..UNKNOWN
    },
    PublishedFile {
        description: "torchvision's VGG-16 with batch normalization",
        address: Some("https://download.pytorch.org/models/vgg16_bn-6c64b313.pth"),
        bytes: Some(553_507_836),
        license: TORCHVISION,
        sha256: Some("6c64b3138f2f4fcb3bcc4cafde11619c4f440eb1631787e93a682fd88305888a"),
        convention: Convention::Torchvision,
        ..UNKNOWN
    },
    PublishedFile {
        description: "timm's copy of torchvision's VGG-19",
        address: Some("https://huggingface.co/timm/vgg19.tv_in1k/resolve/main/model.safetensors"),
        license: "BSD-3-Clause",
        sha256: Some("11aea017b543ff59233749d8f1cf544cda749378f5790d2fedab841fb86b7669"),
        convention: Convention::Torchvision,
        ..UNKNOWN
    },
    PublishedFile {
        description: "timm's copy of torchvision's VGG-16",
        address: Some("https://huggingface.co/timm/vgg16.tv_in1k/resolve/main/model.safetensors"),
        license: "BSD-3-Clause",
        sha256: Some("57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8"),
        convention: Convention::Torchvision,
        ..UNKNOWN
    },
    PublishedFile {
        description: "J. Johnson's VGG-19, converted from Caffe",
        address: Some("https://web.eecs.umich.edu/~justincj/models/vgg19-d01eb7cb.pth"),
        sha256: Some("d01eb7cb"),
        convention: Convention::CaffeBgr,
        ..UNKNOWN
    },
    PublishedFile {
        description: "J. Johnson's VGG-16, converted from Caffe",
        address: Some("https://web.eecs.umich.edu/~justincj/models/vgg16-00b39a1b.pth"),
        sha256: Some("00b39a1b"),
        convention: Convention::CaffeBgr,
        ..UNKNOWN
    },
    PublishedFile {
        description: "J. Johnson's VGG-19, saved again by neural-style-pt",
        bytes: Some(574_679_411),
        sha256: Some("dd893d447ece014ad32d71b8d32b1e0b5c09b912a2866990c286fdeebd368d74"),
        convention: Convention::CaffeBgr,
        ..UNKNOWN
    },
    PublishedFile {
        description: "J. Johnson's VGG-16, saved again by neural-style-pt",
        bytes: Some(553_438_853),
        sha256: Some("2007cdad2519a9bbecdf5cd3c54145237502349a194e0d0a41a826e5a277c187"),
        convention: Convention::CaffeBgr,
        ..UNKNOWN
    },
    PublishedFile {
        description: "D. Frossard's VGG-16, converted from Caffe, vgg16_weights.npz",
        address: Some("https://www.cs.toronto.edu/~frossard/vgg16/vgg16_weights.npz"),
        bytes: Some(553_436_134),
        sha256: Some("0b1445ee85249139b7394a068291a161e2a5d0ae67a3a7bf12a6933f5741a8c8"),
        ..UNKNOWN
    },
    PublishedFile {
        description: "the weights that are built into this program",
        bytes: Some(29_431_696),
        sha256: Some("d4888af5f67f8f3450b97463b92e86b0fc4d0d034d2b4b5531a3313188edc7bf"),
        ..UNKNOWN
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_have_the_right_length() {
        for file in PUBLISHED {
            let is_hexadecimal = |text: &str| {
                text.bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            };
            assert!(
                file.sha256
                    .is_none_or(|sum| matches!(sum.len(), 8 | 64) && is_hexadecimal(sum)),
                "{file:?}"
            );
            assert!(
                file.md5
                    .is_none_or(|sum| sum.len() == 32 && is_hexadecimal(sum)),
                "{file:?}"
            );
            assert!(file.sha256.or(file.md5).is_some(), "{file:?}");
        }
    }
}
