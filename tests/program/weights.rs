//! `impasto weights`.

use crate::workplace::{SMALL, Workplace, data, printed, usage_error};
use std::path::Path;

/// The picture that `impasto stylize` paints with these options.
fn painting(place: &Workplace, options: &str) -> Vec<u8> {
    place
        .stylize(&format!("{SMALL} {options}"))
        .assert()
        .success();
    place.pixels("out.png")
}

#[test]
fn info_says_what_a_file_is() {
    let place = Workplace::new();
    std::fs::copy(data("vgg16.safetensors"), place.path("w.mat")).unwrap();
    let info = printed(place.impasto("weights info w.mat"));
    for line in [
        "file      w.mat",
        "format    safetensors, numbers in f16",
        "network   VGG-16, 13 convolutions, through conv5_3",
        "pixels    caffe-rgb (as the file says): RGB, 0..255, less the mean (123.68, 116.779, 103.939)",
        "sha-256   d4888af5f67f8f3450b97463b92e86b0fc4d0d034d2b4b5531a3313188edc7bf",
        "known     the weights that are built into this program",
        "conv1_1   3×3×3×64         -0.6714 .. 0.6084     -0.0158 .. 2.0645",
    ] {
        assert!(info.lines().any(|found| found == line), "{line}\n{info}");
    }
    assert_eq!(
        info.lines().filter(|line| line.starts_with("conv")).count(),
        13
    );
    let built_in = printed(place.impasto("weights info"));
    let rest = |text: &str| text.split_once('\n').unwrap().1.to_owned();
    assert_eq!(rest(&built_in), rest(&info));
    let given = printed(place.impasto("weights info w.mat --weights-convention torchvision"));
    let pixels = "pixels    torchvision (as given, though the file says otherwise): RGB, 0..1, less the mean (";
    assert!(given.contains(pixels), "{given}");
    let line = place.refusal(place.stylize(&format!("{SMALL} --weights-convention caffe-bgr")));
    assert!(
        line.contains("--weights-convention is for the file that --weights names"),
        "{line}"
    );
}

#[test]
fn weights_paint_the_same_after_they_are_converted() {
    let place = Workplace::new();
    let built_in = painting(&place, "");
    std::fs::copy(data("vgg16.safetensors"), place.path("in")).unwrap();
    for (dtype, megabytes) in [("", 29), ("--dtype f16", 29), ("--dtype f32", 58)] {
        let command = format!("weights convert in {dtype} w.safetensors");
        place.impasto(&command).assert().success();
        let size = place.path("w.safetensors").metadata().unwrap().len();
        assert_eq!(size / 1_000_000, megabytes, "{dtype}");
        assert!(
            painting(&place, "--weights w.safetensors") == built_in,
            "{dtype}"
        );
    }
    // Single precision is the default if half precision would change a number.
    place
        .impasto("weights convert in bgr.safetensors --weights-convention torchvision")
        .assert()
        .success();
    assert_eq!(
        place.path("bgr.safetensors").metadata().unwrap().len() / 1_000_000,
        58
    );
    let through = "weights convert in short.safetensors --through conv5_1";
    place.impasto(through).assert().success();
    let info = printed(place.impasto("weights info short.safetensors"));
    assert!(
        info.contains("VGG-16, 11 convolutions, through conv5_1"),
        "{info}"
    );
    assert!(painting(&place, "--weights short.safetensors") == built_in);
    assert!(
        painting(
            &place,
            "--weights short.safetensors --weights-convention caffe-bgr"
        ) != built_in
    );
}

#[test]
fn wrong_conversions_are_refused() {
    let place = Workplace::new();
    std::fs::copy(data("vgg16.safetensors"), place.path("in.safetensors")).unwrap();
    let refusal =
        |arguments: &str| place.refusal(place.impasto(&format!("weights convert {arguments}")));
    let line = refusal("in.safetensors out.pth");
    assert!(
        line.contains("out.pth: only safetensors files are written"),
        "{line}"
    );
    let line = refusal("in.safetensors in.safetensors");
    assert!(
        line.contains("would replace the file that is read"),
        "{line}"
    );
    let line = refusal("in.safetensors nowhere/out.safetensors");
    assert_eq!(
        line,
        "error: nowhere/out.safetensors: there is no folder nowhere"
    );
    let line = refusal("in.safetensors out.safetensors --through conv3_4");
    assert!(
        line.starts_with(
            "error: --through: the weights have no convolution \"conv3_4\"; they have conv1_1, "
        ),
        "{line}"
    );
    place.write("empty", "");
    let line = refusal("empty out.safetensors");
    assert_eq!(line, "error: weights: empty: the file is empty");
    let wrong =
        place.impasto("weights convert in.safetensors out.safetensors --weights-convention bgr");
    let message = usage_error(wrong);
    assert!(
        message.contains("write one of caffe-rgb, caffe-bgr, torchvision"),
        "{message}"
    );
}

#[test]
fn where_lists_the_places_and_the_published_files() {
    let place = Workplace::new();
    let list = printed(place.impasto("weights where"));
    assert!(
        list.contains("3. the weights in the program itself: VGG-16, in half precision  ← used"),
        "{list}"
    );
    for address in [
        "https://www.vlfeat.org/matconvnet/models/imagenet-vgg-verydeep-19.mat",
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
    ] {
        assert!(list.contains(address), "{list}");
    }
    let mut command = place.impasto("weights where");
    command.env("IMPASTO_WEIGHTS", "mine.pth");
    let list = printed(command);
    assert!(
        list.contains("IMPASTO_WEIGHTS names: mine.pth, which does not exist  ← used"),
        "{list}"
    );
    assert_eq!(list.matches("← used").count(), 1);
}

#[test]
fn formats_are_detected_by_the_content_of_the_file() {
    let place = Workplace::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights");
    for (name, trouble) in [
        (
            "matconvnet.mat",
            "conv1_1.weight has the shape 3×3×3×4, not 64×3×3×3 or 3×3×3×64",
        ),
        ("caffe_legacy.pth", "conv1_1.weight has the shape 4×3×3×3"),
        (
            "keras_1.h5",
            "block1_conv1/block1_conv1_W_1:0 has the shape 3×3×3×4",
        ),
        ("hwio.npz", "conv1_1_W has the shape 3×3×3×4"),
        (
            "timm.safetensors",
            "features.0.weight has the shape 4×3×3×3",
        ),
    ] {
        // The fixtures have too few channels for VGG. The message shows that the arrays were found.
        std::fs::copy(fixtures.join(name), place.path("weights.bin")).unwrap();
        let line = place.refusal(place.impasto("weights info weights.bin"));
        assert!(line.contains(trouble), "{name}: {line}");
    }
}

/// Checks that files of these bytes are refused for these reasons.
fn check_kinds(cases: &[(&[u8], &str)]) {
    let place = Workplace::new();
    for (bytes, reason) in cases {
        place.write("vgg19.mat", bytes);
        let line = place.refusal(place.impasto("weights info vgg19.mat"));
        assert!(line.starts_with("error: weights: vgg19.mat: "), "{line}");
        assert!(line.contains(reason), "{line}");
    }
}

/// Files that are saved under the name of a weights file by mistake. The message says what they are.
#[test]
fn files_of_other_kinds_are_refused_by_their_kind() {
    check_kinds(&[
        (b"", "the file is empty"),
        (
            b"<!DOCTYPE html><html><body>404</body></html>",
            "this is a web page, not weights",
        ),
        (b"\n\n  <HTML lang=en>", "this is a web page, not weights"),
        (
            b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
            "this is an XML page",
        ),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:d48\nsize 29431696\n",
            "Git LFS pointer",
        ),
        (
            b"\x93NUMPY\x01\x00v\x00{'descr': '<f4'}",
            "a single NumPy array",
        ),
        (
            b"\x80\x02}q\x00.",
            "a Python pickle that torch.save did not write",
        ),
        (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "compressed with gzip"),
        (b"7z\xbc\xaf\x27\x1c", "a compressed archive"),
        (b"\x89PNG\r\n\x1a\n", "this is a picture"),
        (
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            "a zip archive with neither",
        ),
        (b"PK\x03\x04", "damaged zip archive"),
        (b"\x89HDF\r\n\x1a\n", "damaged HDF5 file"),
        // A header that claims to be enormous. No memory is allocated for it.
        (&[0xFF; 64], "not a weights file"),
    ]);
}

#[test]
fn archives_and_other_matlab_versions_are_refused_by_their_kind() {
    let tar = [vec![b'a'; 257], b"ustar".to_vec(), vec![0; 300]].concat();
    let matlab_7_3 = [
        vec![b' '; 124],
        vec![0, 2],
        b"IM".to_vec(),
        vec![0; 384],
        b"\x89HDF\r\n\x1a\n".to_vec(),
    ]
    .concat();
    let matlab_4 = [vec![b' '; 124], vec![0, 9], b"IM".to_vec()].concat();
    check_kinds(&[
        (&tar, "a tar archive"),
        (&matlab_7_3, "MATLAB 7.3"),
        (&matlab_4, "version 0x0900 of MATLAB's format is not known"),
    ]);
}
