//! Weights files that `impasto stylize` refuses: damaged, dangerous or incomplete.

use crate::workplace::{SMALL, Workplace, data};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::BTreeMap;

/// A change to the tensors of a weights file: their types, shapes and bytes, by name.
type Change = fn(&mut BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

/// The project's weights with a change.
fn weights(change: Change) -> Vec<u8> {
    let bytes = std::fs::read(data("vgg16.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: BTreeMap<_, _> = file
        .tensors()
        .into_iter()
        .map(|(name, view)| {
            (
                name,
                (view.dtype(), view.shape().to_vec(), view.data().to_vec()),
            )
        })
        .collect();
    change(&mut tensors);
    let views = tensors.iter().map(|(name, (dtype, shape, data))| {
        (name, TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    serialize(views, None).unwrap()
}

/// The refusal of a weights file with these bytes.
fn refusal(bytes: &[u8]) -> String {
    let place = Workplace::new();
    place.write("w.safetensors", bytes);
    let line = place.refusal(place.stylize(&format!("{SMALL} --weights w.safetensors")));
    let named = line.starts_with("error: weights: w.safetensors: ");
    assert!(named, "{line}");
    line
}

fn check_refusals(changes: &[(Change, &str)]) {
    for (change, reason) in changes {
        let line = refusal(&weights(*change));
        assert!(line.contains(reason), "{line}");
    }
}

#[test]
fn weights_that_are_cut_short_are_refused() {
    let whole = std::fs::read(data("vgg16.safetensors")).unwrap();
    for length in [1000, whole.len() / 2, whole.len() - 1] {
        assert!(refusal(&whole[..length]).contains("cut short"));
    }
}

#[test]
fn weights_without_a_part_of_a_layer_are_refused() {
    check_refusals(&[
        (
            |t| t.retain(|name, _| !name.starts_with("conv3_2")),
            "layer conv3_2 of VGG-16 is missing",
        ),
        (
            |t| {
                drop(t.insert(
                    "module.conv1_1.weight".to_owned(),
                    t["conv1_1.weight"].clone(),
                ))
            },
            "conv1_1.weight and module.conv1_1.weight are both the kernel of layer conv1_1",
        ),
        (
            |t| drop(t.remove("conv3_2.weight")),
            "the kernel of layer conv3_2 is missing",
        ),
        (
            |t| drop(t.remove("conv4_1.bias")),
            "the bias of layer conv4_1 is missing",
        ),
        (
            |t| *t = BTreeMap::from([("layer1.weight".to_owned(), t["conv1_1.weight"].clone())]),
            "no array is named like conv1_1.weight, block1_conv1/kernel or features.0.weight; it contains one array: layer1.weight",
        ),
    ]);
}

#[test]
fn weights_of_a_wrong_shape_type_or_value_are_refused() {
    check_refusals(&[
        (
            |t| t.get_mut("conv2_1.weight").unwrap().1 = vec![64, 128, 3, 3],
            "conv2_1.weight has the shape 64×128×3×3, not 128×64×3×3",
        ),
        (
            |t| t.get_mut("conv1_1.weight").unwrap().1 = vec![64, 27],
            "conv1_1.weight has the shape 64×27, not 64×3×3×3 or 3×3×3×64",
        ),
        (
            |t| {
                let bias = t.get_mut("conv1_2.bias").unwrap();
                (bias.1, bias.2) = (vec![32], bias.2[..64].to_vec());
            },
            "conv1_2.bias has the shape 32, not 64",
        ),
        (
            |t| t.get_mut("conv5_1.weight").unwrap().2[1000..1002].copy_from_slice(&[0xFF, 0x7F]),
            "layer conv5_1 has values that are NaN or infinite",
        ),
        (
            |t| t.get_mut("conv1_1.bias").unwrap().0 = Dtype::I16,
            "conv1_1.bias is stored as I16, not as f16, bf16, f32 or f64",
        ),
    ]);
}

#[test]
fn a_pickle_is_never_executed() {
    let place = Workplace::new();
    let start = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02";
    let cases: [(&[u8], &str); 8] = [
        (
            b"cos\nsystem\nX\x0b\x00\x00\x00touch pwned\x85R.",
            "it asks for os.system, which weights do not need, and is refused",
        ),
        (
            b"cposix\nsystem\nX\x0b\x00\x00\x00touch pwned\x85R.",
            "it asks for posix.system",
        ),
        (
            b"X\x08\x00\x00\x00builtinsX\x04\x00\x00\x00eval\x93.",
            "it asks for builtins.eval",
        ),
        (
            b"(X\x0b\x00\x00\x00touch pwnedios\nsystem\n.",
            "the instruction INST",
        ),
        (
            b"ctorch._utils\n_rebuild_tensor\n)\x81.",
            "the instruction NEWOBJ",
        ),
        (
            b"(ctorch._utils\n_rebuild_tensor\no.",
            "the instruction OBJ",
        ),
        (b"\x82\x01.", "the instruction EXT"),
        (b"ctorch\nload\n.", "it asks for torch.load"),
    ];
    for (pickle, reason) in cases {
        place.write("vgg19.pth", [start, pickle].concat());
        let line = place.refusal(place.stylize(&format!("{SMALL} --weights vgg19.pth")));
        assert!(line.contains(reason), "{line}");
        assert!(!place.path("pwned").exists());
    }
}

#[test]
fn a_weights_path_that_is_not_a_file_is_refused() {
    let place = Workplace::new();
    let line = place.refusal(place.stylize(&format!("{SMALL} --weights nowhere")));
    assert_eq!(line, "error: weights: nowhere: no such file or directory");
    let line = place.refusal(place.stylize(&format!("{SMALL} --weights .")));
    assert!(
        line.contains("error: weights: .: not a file but a folder"),
        "{line}"
    );
    #[cfg(unix)]
    {
        // Nothing writes to the pipe, so opening it would never return.
        let pipe = place.path("pipe");
        assert!(
            std::process::Command::new("mkfifo")
                .arg(&pipe)
                .status()
                .unwrap()
                .success()
        );
        let line = place.refusal(place.stylize(&format!("{SMALL} --weights pipe")));
        assert!(
            line.contains("error: weights: pipe: not a file but a pipe"),
            "{line}"
        );
    }
}

#[test]
fn incomplete_weights_can_be_used_for_the_layers_that_they_contain() {
    let place = Workplace::new();
    let through_block_3 = |t: &mut BTreeMap<String, _>| t.retain(|name, _| name.as_str() < "conv4");
    place.write("w.safetensors", weights(through_block_3));
    let with = "--weights w.safetensors";
    let line = place.refusal(place.stylize(&format!("{SMALL} {with}")));
    assert!(
        line.contains("the weights do not reach down to layer conv4_2"),
        "{line}"
    );
    let shallow = "--style-layers conv1_1,pool2 --content-layers conv3_3";
    place
        .stylize(&format!("{SMALL} {with} {shallow}"))
        .assert()
        .success();
}
