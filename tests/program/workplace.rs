//! The program itself, run as a user runs it: in a folder of its own, with the project's pictures.
#![allow(dead_code, reason = "each test program uses a part of it")]

use assert_cmd::Command;
use image::{GenericImageView, RgbImage};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A file of the project's `data/` folder.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(name)
}

/// A small run: what most tests need.
pub const SMALL: &str = "-o out.png --size 48 --iterations 3";

/// An empty folder to run in. It disappears when dropped.
pub struct Workplace(tempfile::TempDir);

impl Workplace {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// The pixels of a picture: its file may hold more, such as how it was made.
    pub fn pixels(&self, name: &str) -> Vec<u8> {
        image::open(self.path(name)).unwrap().into_bytes()
    }

    pub fn dimensions(&self, name: &str) -> (u32, u32) {
        image::open(self.path(name)).unwrap().dimensions()
    }

    /// A picture, with 8 bits for each color.
    pub fn rgb(&self, name: &str) -> RgbImage {
        image::open(self.path(name)).unwrap().into_rgb8()
    }

    /// The lines of a log, as JSON objects.
    pub fn log(&self, name: &str) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path(name)).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// `impasto` with these arguments, which are separated by spaces.
    pub fn impasto(&self, arguments: &str) -> Command {
        let mut command = Command::from_std(self.program());
        command.args(arguments.split_whitespace());
        command
    }

    /// The program in this folder, without the weights and the instruction set that the environment may name. It has one thread, since as
    /// many tests run at once as there are cores.
    pub fn program(&self) -> std::process::Command {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_impasto"));
        command
            .current_dir(self.0.path())
            .env_remove("IMPASTO_WEIGHTS")
            .env_remove("IMPASTO_CPU")
            .env("RAYON_NUM_THREADS", "1");
        command
    }

    /// `impasto stylize` of the cat in the style of the night, with these arguments.
    pub fn stylize(&self, arguments: &str) -> Command {
        let mut command = self.impasto("stylize");
        command
            .arg(data("content/chelsea.jpg"))
            .arg(data("style/starry_night.jpg"))
            .args(arguments.split_whitespace());
        command
    }

    /// The names of what is in the folder, in order.
    pub fn contents(&self) -> Vec<String> {
        let entries = self.0.path().read_dir().unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// The one line with which the program refuses this: exit code 1, and nothing new in the folder.
    pub fn refusal(&self, mut command: Command) -> String {
        let before = self.contents();
        let output = command.assert().code(1).get_output().clone();
        assert_eq!(self.contents(), before, "something was left behind");
        let message = String::from_utf8(output.stderr).unwrap();
        let line = message.strip_suffix('\n').unwrap();
        assert!(!line.contains('\n'), "one line, not {message:?}");
        assert!(line.starts_with("error: "), "{line}");
        assert!(output.stdout.is_empty());
        line.to_owned()
    }
}

/// What a command that succeeds says on the way, to stderr.
pub fn said(mut command: Command) -> String {
    let output = command.assert().success().get_output().stderr.clone();
    String::from_utf8(output).unwrap()
}

/// The result that a command that succeeds prints, to stdout.
pub fn printed(mut command: Command) -> String {
    let output = command.assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

/// What is said about a command line that is wrong: exit code 2.
pub fn usage_error(mut command: Command) -> String {
    let output = command.assert().code(2).get_output().stderr.clone();
    String::from_utf8(output).unwrap()
}

/// The header of a PNG of this size, followed only by an end.
pub fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], data: &[u8]| {
        png.extend((data.len() as u32).to_be_bytes());
        let begin = png.len();
        png.extend(kind);
        png.extend(data);
        let check = crc32(&png[begin..]);
        png.extend(check.to_be_bytes());
    };
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, 0]].concat());
    chunk(b"IDAT", &[0x78, 0x9c, 0x03, 0, 0, 0, 0, 1]);
    chunk(b"IEND", &[]);
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ (0xEDB8_8320 & 0u32.wrapping_sub(crc & 1))
        })
    })
}
