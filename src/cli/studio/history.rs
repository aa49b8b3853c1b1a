//! The paintings in the user's folder: PNGs that hold their settings.

use super::desk::{Desk, DeskPainting};
use super::folder::Folder;
use super::pictures::{Kind, MAX_BYTES, PictureId, Pictures};
use super::refusal::Refusal;
use crate::cli::request::embedded::EmbeddedSettings;
use crate::cli::request::{REST, init_file};
use crate::files::picture::source;
use image::ImageReader;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// A painting in the user's folder.
#[derive(Clone, Debug, Serialize)]
pub struct Painted {
    /// Made of its name. The page knows a painting by it, never by a path.
    pub id: String,
    pub name: String,
    pub width: u32,
    pub height: u32,
    /// When it was written, in milliseconds since 1970.
    pub time: u64,
    pub photo: Option<PictureId>,
    /// Whether all that it was made from is there.
    pub complete: bool,
    #[serde(skip)]
    pub path: PathBuf,
}

impl Painted {
    /// A painting; `None` if this is not one.
    pub fn open(path: PathBuf, pictures: &Pictures) -> Option<Self> {
        let embedded = EmbeddedSettings::open(&path).ok()?;
        let (width, height) = dimensions(&path)?;
        let written = path.metadata().ok()?.modified().ok()?;
        let name = path.file_name()?.to_str()?.to_owned();
        let digest = Sha256::digest(name.as_bytes());
        let files = &embedded.files;
        let photo = files
            .content
            .as_deref()
            .and_then(|photo| pictures.stored_at(photo));
        let settings = embedded.recipe.clone().settings();
        let mut all = files.inputs().chain(init_file(&settings));
        Some(Self {
            id: digest[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
            width,
            height,
            time: written
                .duration_since(UNIX_EPOCH)
                .map_or(0, |time| time.as_millis() as u64),
            photo,
            complete: embedded.other_command().is_none()
                && files.style_mask.is_empty()
                && all.all(is_there),
            name,
            path,
        })
    }
}

/// All paintings of a folder, the newest first.
pub fn all(folder: &Folder, pictures: &Pictures) -> Vec<Painted> {
    let mut all: Vec<_> = pngs(folder)
        .filter_map(|path| Painted::open(path, pictures))
        .collect();
    all.sort_by(|a, b| (b.time, &b.name).cmp(&(a.time, &a.name)));
    all
}

/// The stored pictures that the paintings of a folder were made from.
pub fn needed(folder: &Folder, pictures: &Pictures) -> Vec<PictureId> {
    let embedded = pngs(folder).filter_map(|path| EmbeddedSettings::open(&path).ok());
    let mut needed = Vec::new();
    for EmbeddedSettings { files, recipe, .. } in embedded {
        let settings = recipe.settings();
        let paths = files.inputs().chain(init_file(&settings));
        needed.extend(paths.filter_map(|path| pictures.stored_at(path)));
    }
    needed
}

/// The PNG files of a folder.
fn pngs(folder: &Folder) -> impl Iterator<Item = PathBuf> {
    let files = std::fs::read_dir(folder.path())
        .into_iter()
        .flatten()
        .flatten();
    let is_png = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "png");
    files
        .map(|file| file.path())
        .filter(move |path| is_png(path) && path.is_file())
}

/// Whether a file is there that a picture could be read from. Names of other machines, which the settings of a PNG from elsewhere may have,
/// are not looked up: that would tell them who asks.
fn is_there(path: &Path) -> bool {
    let length = || path.metadata().map_or(u64::MAX, |file| file.len());
    !path.to_string_lossy().starts_with("\\\\") && path.is_file() && length() <= MAX_BYTES as u64
}

/// What a painting was made from, as a desk.
///
/// # Errors
/// If something is missing.
pub fn desk_of(painted: &Painted, pictures: &Pictures) -> Result<Desk, Refusal> {
    if !painted.complete {
        let error = format!(
            "{}: a picture that it was made from is not there",
            painted.name
        );
        return Err(Refusal::invalid(error));
    }
    let embedded =
        EmbeddedSettings::open(&painted.path).map_err(|_| Refusal::missing("this painting"))?;
    let files = embedded.files;
    let take = |path: &Path, kind| match pictures.stored_at(path) {
        Some(id) => Ok(id),
        // A painting of the command line names files elsewhere.
        None => {
            let shown = path.display();
            if !is_there(path) {
                let error = format!("{shown}, which it was made from, is not there");
                return Err(Refusal::invalid(error));
            }
            let bytes = std::fs::read(path).map_err(|_| {
                Refusal::invalid(format!("{shown}, which it was made from, is not there"))
            })?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            pictures.add(&bytes, &name, kind).map(|info| info.id)
        }
    };
    let settings = embedded.recipe.settings();
    let (preset, mut changed) = Desk::describe(&settings);
    let start = init_file(&settings)
        .map(|file| take(file, Kind::Picture))
        .transpose()?;
    if start.is_some() {
        changed.remove("init");
    }
    let mut paintings = Vec::new();
    for (number, style) in files.style.iter().enumerate() {
        let mask = files
            .content_mask
            .get(number)
            .filter(|mask| mask.as_path() != Path::new(REST));
        paintings.push(DeskPainting {
            picture: take(style, Kind::Picture)?,
            mask: mask.map(|mask| take(mask, Kind::Mask)).transpose()?,
        });
    }
    Ok(Desk {
        photo: files
            .content
            .map(|photo| take(&photo, Kind::Picture))
            .transpose()?,
        paintings,
        rest: files
            .content_mask
            .iter()
            .position(|mask| mask == Path::new(REST)),
        protect: (files.protect.as_deref())
            .map(|mask| take(mask, Kind::Mask))
            .transpose()?,
        start,
        preset,
        settings: changed,
    })
}

/// The width and height that a picture file states.
fn dimensions(path: &Path) -> Option<(u32, u32)> {
    let file = File::open(path).ok()?;
    let reader = ImageReader::new(source::from_start(&file).ok()?);
    reader.with_guessed_format().ok()?.into_dimensions().ok()
}
