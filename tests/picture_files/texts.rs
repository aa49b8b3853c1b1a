//! Texts in PNG files are written and read back.

use crate::written::{gradient, with_text, write};
use impasto::picture::{OutputFile, read_text};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::path::Path;

#[test]
fn a_text_is_read_back_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let (_, picture) = gradient();
    let file = folder.path().join("text.png");
    let settings = "content = \"Bäume/木 🌳.jpg\"\nsize = \"512\"\n";
    let long = "é".repeat((1 << 19) - 100);
    write(
        &file,
        &picture,
        with_text(&[
            ("impasto:settings", settings),
            ("Comment", &long),
            ("none", ""),
        ]),
    );
    assert_eq!(read_text(&file, "impasto:settings").unwrap(), settings);
    assert_eq!(read_text(&file, "Comment").unwrap(), long);
    assert_eq!(read_text(&file, "none").unwrap(), "");
}

/// The message with which `read_text` refuses a file.
fn refusal(file: &Path, key: &str) -> String {
    let message = read_text(file, key).unwrap_err().to_string();
    assert!(
        message.starts_with(file.to_str().unwrap()) && !message.contains('\n'),
        "{message}"
    );
    message
}

#[test]
fn a_file_without_the_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_, picture) = gradient();
    let file = |name: &str| folder.path().join(name);
    for name in ["text.png", "text.jpg"] {
        write(&file(name), &picture, with_text(&[("Comment", "a text")]));
    }
    let message = refusal(&file("text.png"), "Title");
    assert!(message.ends_with("text.png: it stores no text \"Title\""));
    // Other formats omit the texts.
    assert!(refusal(&file("text.jpg"), "Comment").contains("not a PNG file"));
    assert!(refusal(folder.path(), "Title").contains("not a file"));
    assert!(refusal(&file("missing.png"), "Title").contains("no such file"));
}

#[test]
fn a_damaged_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (_, picture) = gradient();
    let file = folder.path().join("text.png");
    let long = "é".repeat((1 << 19) - 100);
    write(&file, &picture, with_text(&[("Comment", &long)]));
    let whole = std::fs::read(&file).unwrap();
    let at = whole
        .windows(7)
        .position(|window| window == b"Comment")
        .unwrap();
    let damaged = folder.path().join("damaged.png");
    for cut in [20, at, at + 1000] {
        std::fs::write(&damaged, &whole[..cut]).unwrap();
        assert!(refusal(&damaged, "Comment").contains("cut short"), "{cut}");
    }
    let mut changed = whole.clone();
    changed[at + 500] ^= 1;
    std::fs::write(&damaged, changed).unwrap();
    assert!(refusal(&damaged, "Comment").contains("damaged PNG file"));
}

#[test]
fn too_much_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("long.png");
    let long = "x".repeat(1 << 20);
    let error = OutputFile::new(&file)
        .unwrap()
        .with_encoding(with_text(&[("key", &long)]))
        .unwrap_err();
    assert!(
        error.to_string().contains("more than 1 MiB of text"),
        "{error}"
    );
    // Files of other programs: one long text, many short texts, and a long text that is compressed.
    let write = |texts: &[png::text_metadata::ITXtChunk]| {
        let mut encoder = png::Encoder::new(std::fs::File::create(&file).unwrap(), 1, 1);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().unwrap();
        texts
            .iter()
            .for_each(|text| writer.write_text_chunk(text).unwrap());
        writer.write_image_data(&[1, 2, 3]).unwrap();
    };
    let text = |length: usize| png::text_metadata::ITXtChunk::new("key", "x".repeat(length));
    let mut compressed = text(100 << 20);
    compressed.compress_text().unwrap();
    for texts in [
        vec![text(8 << 20)],
        vec![text(1000); 10_000],
        vec![compressed],
    ] {
        write(&texts);
        let error = read_text(&file, "key").unwrap_err().to_string();
        assert!(error.contains("1 MiB") && !error.contains('\n'), "{error}");
    }
    let mut compressed = text(1 << 20);
    compressed.compress_text().unwrap();
    write(&[compressed]);
    assert_eq!(read_text(&file, "key").unwrap().len(), 1 << 20);
}

#[test]
fn random_damage_to_a_text_causes_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let (_, picture) = gradient();
    let file = folder.path().join("text.png");
    write(&file, &picture, with_text(&[("key", "a text")]));
    let whole = std::fs::read(&file).unwrap();
    let mut rng = Pcg64Mcg::seed_from_u64(2);
    let mut refused = 0;
    for _ in 0..500 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            let at = rng.random_range(0..200);
            bytes[at] = rng.random();
        }
        std::fs::write(&file, bytes).unwrap();
        if let Err(error) = read_text(&file, "key") {
            assert!(!error.to_string().contains('\n'), "{error}");
            refused += 1;
        }
    }
    assert!(refused > 300, "{refused}");
}
