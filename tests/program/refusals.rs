//! Bad input: one clear line that names the file or option, exit code 1 (2 for usage), and nothing written.

use crate::workplace::{SMALL, Workplace, data, png_header};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView, serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The refusal of a run with this photograph.
fn of_content(place: &Workplace, name: &str) -> String {
    let mut command = place.impasto(&format!("stylize {name}"));
    command
        .arg(data("style/starry_night.jpg"))
        .args(SMALL.split(' '));
    place.refusal(command)
}

#[test]
fn a_bad_picture_is_refused_with_its_name() {
    let place = Workplace::new();
    let jpeg = std::fs::read(data("content/chelsea.jpg")).unwrap();
    place.write("empty.jpg", "");
    place.write("text.jpg", "this is not a picture, whatever its name says");
    place.write("cut.jpg", &jpeg[..jpeg.len() / 2]);
    place.write("nothing.png", png_header(0, 7));
    place.write("bomb.png", png_header(100_000, 100_000));
    std::fs::create_dir(place.path("folder.jpg")).unwrap();
    for (name, reason) in [
        ("missing.jpg", "no such file"),
        ("empty.jpg", "empty"),
        ("text.jpg", "not a picture"),
        ("cut.jpg", "cut short"),
        ("folder.jpg", "not a file"),
        ("nothing.png", "nothing.png: "),
        (
            "bomb.png",
            "it declares 100000x100000 pixels; at most 200 million are accepted",
        ),
    ] {
        let line = of_content(&place, name);
        assert!(
            line.contains(&format!("content picture: {name}: ")),
            "{line}"
        );
        assert!(line.contains(reason), "{line}");
    }
    // The same goes for the painting, and for a picture to begin with.
    let mut command = place.impasto("stylize");
    command
        .arg(data("content/chelsea.jpg"))
        .arg("cut.jpg")
        .args(SMALL.split(' '));
    assert!(place.refusal(command).contains("style picture: cut.jpg: "));
    let line = place.refusal(place.stylize(&format!("{SMALL} --init cut.jpg")));
    assert!(line.contains("--init picture: cut.jpg: "), "{line}");
}

#[test]
fn an_instruction_set_that_is_not_there_is_refused() {
    let place = Workplace::new();
    let absent = if cfg!(target_arch = "aarch64") {
        "avx2"
    } else {
        "neon"
    };
    let reason = format!("IMPASTO_CPU: this machine has no {absent}; it has ");
    for (cpu, reason) in [
        (absent, reason.as_str()),
        (
            "AVX2",
            "IMPASTO_CPU: \"AVX2\" is not an instruction set; write one of avx512, avx2, neon, portable",
        ),
    ] {
        let mut paint = place.stylize(SMALL);
        paint.env("IMPASTO_CPU", cpu);
        let mut bench = place.impasto("bench --size 32x32");
        bench.env("IMPASTO_CPU", cpu);
        for command in [paint, bench] {
            let line = place.refusal(command);
            assert!(line.contains(reason), "{line}");
        }
    }
    // The plain engine does not ask for one.
    let mut plain = place.stylize(&format!("{SMALL} --engine reference"));
    plain.env("IMPASTO_CPU", absent).assert().success();
}

#[test]
fn a_benchmark_of_a_senseless_size_is_refused() {
    let place = Workplace::new();
    let line = place.refusal(place.impasto("bench --size 8x8"));
    assert!(
        line.contains("8x8 is too small for layer conv5_1"),
        "{line}"
    );
    let line = place.refusal(place.impasto("bench --size 30000x30000"));
    assert!(line.contains("GB of memory"), "{line}");
}

#[cfg(unix)]
#[test]
fn a_picture_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Workplace::new();
    let file = place.write("secret.png", "");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read(&file).is_ok() {
        return; // Nothing is forbidden to root.
    }
    assert!(of_content(&place, "secret.png").contains("permission denied"));
}

#[test]
fn a_bad_place_for_the_picture_is_found_before_the_run() {
    let place = Workplace::new();
    let too_long = format!("{}.png", "a".repeat(300));
    for (output, reason) in [
        ("missing/out.png", "there is no folder"),
        ("out.xyz", "use one of png, jpg"),
        ("out", "use one of png, jpg"),
        (".", "use one of png, jpg"),
        ("folder.png/", "this is a folder"),
        ("folder.png/.", "this is a folder"),
        (&too_long, "the file name is too long"),
    ] {
        let line = place.refusal(place.stylize(&format!("-o {output} --size 48")));
        assert!(line.contains(&format!("error: {output}: ")), "{line}");
        assert!(line.contains(reason), "{line}");
    }
}

#[test]
fn an_input_is_never_replaced() {
    let place = Workplace::new();
    let cat = std::fs::read(data("content/chelsea.jpg")).unwrap();
    for name in ["cat.jpg", "start.jpg", "w", "00020.png"] {
        place.write(name, &cat);
    }
    let refused = |content: &str, options: &str| {
        let mut command = place.impasto(&format!("stylize {content}"));
        command.arg(data("style/starry_night.jpg"));
        command.args(options.split(' ')).args(["--size", "48"]);
        command.env("IMPASTO_WEIGHTS", "w");
        let line = place.refusal(command);
        assert!(line.contains("would replace"), "{line}");
    };
    refused("cat.jpg", "-o ./cat.jpg");
    refused("cat.jpg", "-o out.png --log cat.jpg");
    refused("cat.jpg", "-o out.png --log ./out.png");
    refused("cat.jpg", "-o out.png --init start.jpg --log start.jpg");
    refused("cat.jpg", "-o out.png --log w");
    refused("00020.png", "-o out.png --frames .");
    refused("cat.jpg", "-o 00003.png --frames .");
    for name in ["cat.jpg", "start.jpg", "w", "00020.png"] {
        assert!(std::fs::read(place.path(name)).unwrap() == cat);
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_replaced_by_a_picture_nor_waited_for_by_a_log() {
    let place = Workplace::new();
    let made = std::process::Command::new("mkfifo")
        .arg(place.path("pipe.png"))
        .status();
    assert!(made.unwrap().success());
    let line = place.refusal(place.stylize("-o pipe.png --size 48"));
    assert!(
        line.contains("pipe.png: this is not an ordinary file"),
        "{line}"
    );
    let line = place.refusal(place.stylize(&format!("{SMALL} --log pipe.png")));
    assert!(line.contains("pipe.png: the log would wait"), "{line}");
}

#[test]
fn a_picture_too_large_for_its_format_is_refused_before_the_run() {
    let place = Workplace::new();
    let shallow = "--style-layers conv1_1 --content-layers conv1_1";
    let line = place.refusal(place.stylize(&format!("-o out.webp --size 16384x1 {shallow}")));
    assert!(
        line.contains(
            "out.webp: this format stores at most 16383 pixels in width and height, not 16384x1"
        ),
        "{line}"
    );
}

#[test]
fn control_characters_in_names_do_not_reach_the_terminal() {
    let place = Workplace::new();
    let mut command = place.impasto("stylize");
    command
        .arg("no\x1b[31m\nsuch.jpg")
        .arg(data("style/starry_night.jpg"));
    command.args(SMALL.split(' '));
    let line = place.refusal(command);
    assert!(
        line.contains(r"no\u{1b}[31m\nsuch.jpg: no such file"),
        "{line}"
    );
}

#[test]
fn a_bad_place_for_a_report_is_found_before_the_run() {
    let place = Workplace::new();
    place.write("file", "");
    for (arguments, reason) in [
        ("--log missing/log.jsonl", "there is no folder missing"),
        ("--log .", "this is a folder"),
        ("--frames file", "not a folder"),
        (
            "--frames file/below",
            "file/below: no frames can be written there",
        ),
        (
            "--log l --frames file/below",
            "no frames can be written there",
        ),
    ] {
        let line = place.refusal(place.stylize(&format!("{SMALL} {arguments}")));
        assert!(line.contains(reason), "{arguments}: {line}");
    }
}

#[test]
fn an_unknown_layer_is_refused_with_those_that_exist() {
    let place = Workplace::new();
    for option in ["--style-layers", "--content-layers"] {
        // VGG-19 has it; the built-in VGG-16 has not.
        let line = place.refusal(place.stylize(&format!("{SMALL} {option} conv1_1,conv3_4=2")));
        assert!(line.contains("VGG-16 has no layer \"conv3_4\""), "{line}");
        assert!(line.contains("conv1_1, conv1_2, pool1, conv2_1"), "{line}");
    }
}

#[test]
fn a_size_too_small_for_the_layers_is_refused() {
    let place = Workplace::new();
    let line = place.refusal(place.stylize("-o out.png --size 15"));
    assert!(
        line.contains("content picture at 15x10 is too small for layer conv5_1"),
        "{line}"
    );
    let line = place.refusal(place.stylize("-o out.png --size 300x12"));
    assert!(line.contains("300x12"), "{line}");
    let shallow =
        "-o out.png --size 15 --iterations 1 --style-layers conv1_1 --content-layers conv2_2";
    place.stylize(shallow).assert().success();
}

#[test]
fn a_size_beyond_the_memory_is_refused_before_it_is_taken() {
    let place = Workplace::new();
    let line = place.refusal(place.stylize("-o out.png --size 32768x32768"));
    assert!(
        line.contains("content picture at 32768x32768 needs at least"),
        "{line}"
    );
    assert!(
        line.contains(" GB of memory, and this machine has ")
            && line.ends_with(" GB; ask for a smaller size"),
        "{line}"
    );
}

#[test]
fn senseless_options_are_refused() {
    let place = Workplace::new();
    for (arguments, reason) in [
        (
            "--style-weight 0 --content-weight 0 --tv-weight 0",
            "every weight is 0: there is nothing to optimize",
        ),
        (
            "--style-weight 1e-300 --style-layers conv1_1=1e-300 --content-weight 0 --tv-weight 0",
            "every weight is 0: there is nothing to optimize",
        ),
        (
            "--style-layers conv1_1,conv1_1",
            "style-layers: conv1_1 is named twice",
        ),
    ] {
        let line = place.refusal(place.stylize(&format!("-o out.png --size 48 {arguments}")));
        assert!(line.contains(reason), "{arguments}: {line}");
    }
}

#[test]
fn wrong_usage_exits_with_2_and_names_the_option() {
    let place = Workplace::new();
    for (arguments, named) in [
        ("", "--output"),
        ("-o out.png --size 0", "--size"),
        ("-o out.png --size 12x", "--size"),
        ("-o out.png --size big", "--size"),
        ("-o out.png --iterations many", "--iterations"),
        ("-o out.png --iterations 0", "--iterations"),
        ("-o out.png --iterations 99999999999", "--iterations"),
        ("-o out.png --learning-rate 0", "--learning-rate"),
        ("-o out.png --learning-rate -2", "--learning-rate"),
        ("-o out.png --learning-rate inf", "--learning-rate"),
        ("-o out.png --noise-ratio 1.5", "--noise-ratio"),
        ("-o out.png --style-weight -1", "--style-weight"),
        ("-o out.png --tv-weight NaN", "--tv-weight"),
        ("-o out.png --style-layers conv1_1=x", "--style-layers"),
        ("-o out.png --pooling median", "--pooling"),
        ("-o out.png --optimizer sgd", "--optimizer"),
        ("-o out.png --scales 3,2", "--scales"),
        ("-o out.png --style-scale 0", "--style-scale"),
        ("-o out.png --average 1", "--average"),
        ("-o out.png --history 0", "--history"),
        ("-o out.png --threads 0", "--threads"),
        ("-o out.png --frames-at 3", "--frames"),
        ("-o out.png --frames f --frames-at 0", "--frames-at"),
        ("-o out.png -q -v", "--quiet"),
        ("-o out.png --colour", "--colour"),
    ] {
        let output = place
            .stylize(arguments)
            .assert()
            .code(2)
            .get_output()
            .clone();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(named), "{arguments}: {message}");
        assert!(place.contents().is_empty());
    }
    place.impasto("").assert().code(2);
    place.impasto("paint").assert().code(2);
}

#[test]
fn a_recipe_that_cannot_be_read_is_refused() {
    let place = Workplace::new();
    let refusal = |arguments: &str| place.refusal(place.stylize(&format!("{SMALL} {arguments}")));
    let line = refusal("--preset clasic");
    assert!(
        line.contains(
            "clasic: no such file or directory; nor is it one of the presets default, classic"
        ),
        "{line}"
    );
    place.write("mine.toml", "size = true\n");
    let line = refusal("--preset mine.toml");
    assert!(
        line.starts_with("error: --preset: mine.toml: line 1: "),
        "{line}"
    );
    for (value, trouble) in [
        ("iterations = 0", "iterations must be 1 or more, not 0"),
        (
            "average = 2.0",
            "average must be from 0 to less than 1, not 2",
        ),
        ("border = 65", "border must be from 0 to 64, not 65"),
    ] {
        place.write("mine.toml", value);
        let expected = format!("error: --preset: mine.toml: {trouble}");
        assert_eq!(refusal("--preset mine.toml"), expected);
    }
    let line = refusal("--save-settings nowhere/mine.toml");
    assert!(
        line.contains("nowhere/mine.toml: --save-settings: there is no folder nowhere"),
        "{line}"
    );
}

#[test]
fn a_loss_out_of_bounds_ends_the_run_and_keeps_the_last_good_picture() {
    let place = Workplace::new();
    let wild =
        "-o out.png --size 48 --iterations 9 --init content --optimizer adam --learning-rate 1e30";
    let output = place.stylize(wild).assert().code(1).get_output().clone();
    let message = String::from_utf8(output.stderr).unwrap();
    let line = message.lines().last().unwrap();
    assert!(
        line.contains("no longer a finite number at iteration 2"),
        "{line}"
    );
    assert!(
        line.ends_with("the last good picture is in out.png"),
        "{line}"
    );
    // The picture before the step that broke it: the photograph.
    let picture = |path: PathBuf| impasto::picture::Picture::open(&path).unwrap().0;
    let photograph = picture(data("content/chelsea.jpg"));
    let kept = picture(place.path("out.png"));
    assert_eq!(kept, photograph.fit(kept.size()));
}

/// A change to the tensors of a weights file: their types, shapes and bytes, by name.
type Change = fn(&mut BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>);

/// The project's weights, changed.
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

#[test]
fn damaged_weights_are_refused_with_what_is_wrong() {
    let whole = std::fs::read(data("vgg16.safetensors")).unwrap();
    let place = Workplace::new();
    let refusal = |bytes: &[u8]| {
        place.write("w.safetensors", bytes);
        let command = place.stylize(&format!("{SMALL} --weights w.safetensors"));
        let line = place.refusal(command);
        assert!(
            line.starts_with("error: weights: w.safetensors: "),
            "{line}"
        );
        line
    };
    for length in [1000, whole.len() / 2, whole.len() - 1] {
        assert!(refusal(&whole[..length]).contains("cut short"));
    }
    let changes: [(Change, &str); 10] = [
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
        (
            |t| *t = BTreeMap::from([("layer1.weight".to_owned(), t["conv1_1.weight"].clone())]),
            "no array is named like conv1_1.weight, block1_conv1/kernel or features.0.weight; it contains one array: layer1.weight",
        ),
    ];
    for (change, reason) in changes {
        let line = refusal(&weights(change));
        assert!(line.contains(reason), "{line}");
    }
}

/// Files that people save under the name of a weights file. The message says what they are.
#[test]
fn files_of_other_kinds_are_refused_by_their_kind() {
    let place = Workplace::new();
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
    let cases: [(&[u8], &str); 17] = [
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
        (&tar, "a tar archive"),
        (&matlab_7_3, "MATLAB 7.3"),
        (&matlab_4, "version 0x0900 of MATLAB's format is not known"),
        (
            b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            "a zip archive with neither",
        ),
        (b"PK\x03\x04", "damaged zip archive"),
        (b"\x89HDF\r\n\x1a\n", "damaged HDF5 file"),
        // A header that claims to be enormous. No memory is allocated for it.
        (&[0xFF; 64], "not a weights file"),
    ];
    for (bytes, reason) in cases {
        place.write("vgg19.mat", bytes);
        let line = place.refusal(place.impasto("weights info vgg19.mat"));
        assert!(line.starts_with("error: weights: vgg19.mat: "), "{line}");
        assert!(line.contains(reason), "{line}");
    }
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
        // Nobody writes to the pipe, so opening it would never return.
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
