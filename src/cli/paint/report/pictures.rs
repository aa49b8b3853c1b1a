//! The pictures that a run is made from.

use super::names::file_name;
use super::thumbnail::Thumbnail;
use crate::cli::request::{RunRequest, init_file};
use crate::files::picture::{Picture, Size};
use crate::painting::{Inputs, RegionPlace};
use std::path::{Path, PathBuf};

/// One of them.
pub struct Original {
    /// `Photograph`
    pub what: String,
    /// The name of its file.
    pub file: String,
    /// Its own size.
    pub size: Size,
    pub thumbnail: Thumbnail,
}

/// The photograph, the paintings and the masks, in this order, with at most `edge` pixels along the long edge.
pub fn originals(request: &RunRequest, inputs: &Inputs, edge: u32) -> Vec<Original> {
    let files = &request.files;
    let mut originals = Vec::new();
    let mut add = |what: String, file: Option<&Path>, picture: Option<&Picture>| {
        if let (Some(file), Some(picture)) = (file, picture) {
            originals.push(Original {
                what,
                file: file_name(file),
                size: picture.size(),
                thumbnail: Thumbnail::of(picture, edge),
            });
        }
    };
    let file = |files: &[PathBuf], at: usize| files.get(at).cloned();
    let several = files.style.len() > 1;
    let named = |one: &str, number: &str, at: usize| match several {
        false => one.to_owned(),
        true => format!("{number} {}", at + 1),
    };
    let content = inputs.content.as_ref();
    add("Photograph".to_owned(), files.content.as_deref(), content);
    for (at, style) in inputs.styles().enumerate() {
        let picture = Some(&style.picture);
        let name = file(&files.style, at);
        add(named("Painting", "Painting", at), name.as_deref(), picture);
    }
    for (at, region) in inputs.regions.iter().enumerate() {
        if let RegionPlace::Mask(mask) = &region.place {
            let name = file(&files.content_mask, at);
            let what = format!("Where {} is painted", named("the painting", "painting", at));
            add(what, name.as_deref(), Some(mask));
        }
    }
    for (at, style) in inputs.styles().enumerate() {
        let name = file(&files.style_mask, at);
        let what = format!("What counts of {}", named("the painting", "painting", at));
        add(what, name.as_deref(), style.mask.as_ref());
    }
    let initial = inputs.initial.as_ref();
    add(
        "First picture".to_owned(),
        init_file(&request.settings),
        initial,
    );
    originals
}
