//! The page's own files, which are in the program.

use crate::cli::studio::examples::EXAMPLES;
use crate::cli::studio::jpeg::smaller;
use crate::cli::studio::refusal::Refusal;
use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

/// The long edge of the pictures that show the examples, in pixels.
const EXAMPLE_EDGE: u32 = 320;

macro_rules! files {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_bytes!(concat!("../page/", $folder, $name)))),*]
    };
}

/// The page.
const FILES: &[(&str, &[u8])] = files!["":
    "act.js"
    "bars.js"
    "colors.js"
    "commit.js"
    "compare.js"
    "confirm.js"
    "desk.js"
    "dials.js"
    "dom.js"
    "drop.js"
    "easel.css"
    "easel.js"
    "favicon.svg"
    "format.js"
    "frames.js"
    "gray-png.js"
    "history.js"
    "icons.svg"
    "index.html"
    "losses.js"
    "main.js"
    "mask-canvas.js"
    "mask-files.js"
    "mask-picture.js"
    "mask-tools.js"
    "masks.js"
    "options.js"
    "panels.css"
    "pictures.js"
    "places.js"
    "presets.js"
    "queue.js"
    "run.js"
    "server.js"
    "settings.js"
    "store.js"
    "style.css"
    "targets.js"
    "throttle.js"
    "types.js"
    "variants.js"
    "view.js"
    "viewport.js"
];

/// A picture of each preset: the first example in the style of the second.
const PRESETS: &[(&str, &[u8])] = files!["presets/":
    "classic.jpg" "crowsonkb.jpg" "default.jpg" "gatys2016.jpg" "gram.jpg" "neural-style.jpg" "nnst.jpg" "strotss.jpg"
];

/// The name of a file at the end of an address.
#[derive(Deserialize)]
pub struct FileName {
    file: String,
}

pub async fn index() -> Result<Response, Refusal> {
    find(FILES, "index.html")
}

pub async fn file(Path(FileName { file }): Path<FileName>) -> Result<Response, Refusal> {
    find(FILES, &file)
}

pub async fn preset(Path(FileName { file }): Path<FileName>) -> Result<Response, Refusal> {
    find(PRESETS, &file)
}

pub async fn example(Path(FileName { file }): Path<FileName>) -> Result<Response, Refusal> {
    let known = EXAMPLES.iter().find(|example| example.file == file);
    let example = known.ok_or_else(|| Refusal::missing("this example"))?;
    let small = smaller(example.bytes, EXAMPLE_EDGE).expect("it is a picture");
    Ok(([(header::CONTENT_TYPE, "image/jpeg")], small).into_response())
}

fn find(files: &'static [(&str, &[u8])], name: &str) -> Result<Response, Refusal> {
    let known = files.iter().find(|(known, _)| *known == name);
    let (_, bytes) = known.ok_or_else(|| Refusal::missing("this page"))?;
    let kind = match name.rsplit_once('.') {
        Some((_, "html")) => "text/html; charset=utf-8",
        Some((_, "css")) => "text/css; charset=utf-8",
        Some((_, "js")) => "text/javascript; charset=utf-8",
        Some((_, "svg")) => "image/svg+xml",
        _ => "image/jpeg",
    };
    Ok(([(header::CONTENT_TYPE, kind)], *bytes).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_is_in_the_program() {
        for (folder, files) in [("", FILES), ("presets", PRESETS)] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("src/cli/studio/page")
                .join(folder);
            let there = std::fs::read_dir(folder)
                .unwrap()
                .map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut there: Vec<_> = there
                .filter(|name| {
                    name.contains('.')
                        && !["tsconfig.json", "door.html", "make_presets.sh"].contains(&&**name)
                })
                .collect();
            there.sort();
            let mut embedded: Vec<_> = files.iter().map(|(name, _)| *name).collect();
            embedded.sort();
            assert_eq!(there, embedded);
        }
    }
}
