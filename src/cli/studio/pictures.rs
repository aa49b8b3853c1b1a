//! The pictures that the page has sent: photographs, paintings and masks. Each is stored under the SHA-256 of its bytes.

use super::folder::{load, write};
use super::jpeg::jpeg;
use super::refusal::Refusal;
use crate::cli::request::RunRequest;
use crate::cli::terminal::printable;
use crate::files::picture::{Picture, Size, source};
use axum::http::StatusCode;
use image::{ImageFormat, ImageReader};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The longest file that is taken, in bytes.
pub const MAX_BYTES: usize = 64 << 20;
/// The most pixels that a picture may have.
pub const MAX_PIXELS: u64 = 100_000_000;
/// How many pictures are stored.
pub const MAX_PICTURES: usize = 1000;

/// The long edge of previews, in pixels.
const PREVIEW_EDGE: u32 = 2048;
/// The longest name that is kept, in characters.
const MAX_NAME: usize = 100;
/// The file that lists them.
const INDEX: &str = "index.json";

/// The name of a stored picture: the first 128 bits of the SHA-256 of its bytes. Nothing else that the page says becomes part of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PictureId(u128);

impl PictureId {
    fn of(bytes: &[u8]) -> Self {
        let digest = Sha256::digest(bytes);
        Self(
            digest
                .iter()
                .take(16)
                .fold(0, |number, byte| number << 8 | u128::from(*byte)),
        )
    }
}

impl fmt::Display for PictureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for PictureId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.len() == 32 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = digits
            .then(|| u128::from_str_radix(text, 16).ok())
            .flatten();
        number
            .map(Self)
            .ok_or_else(|| "this is not the name of a picture".to_owned())
    }
}

impl TryFrom<String> for PictureId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<PictureId> for String {
    fn from(id: PictureId) -> Self {
        id.to_string()
    }
}

/// What the page knows of a stored picture.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PictureInfo {
    pub id: PictureId,
    /// As the user calls it.
    pub name: String,
    pub width: u32,
    pub height: u32,
    /// What was changed when it was read.
    pub remark: Option<String>,
    /// The ending of its file.
    ending: String,
}

impl PictureInfo {
    /// The name of its file.
    fn file(&self) -> String {
        format!("{}.{}", self.id, self.ending)
    }
}

/// The name of the file that shows a picture.
fn preview_file(id: PictureId) -> String {
    format!("{id}.preview.jpg")
}

/// A name as it can be shown and sent: one line, not too long, and not a path.
fn shown_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or("");
    let shown: String = printable(last).chars().take(MAX_NAME).collect();
    if shown.trim().is_empty() {
        "picture".to_owned()
    } else {
        shown
    }
}

/// What a picture is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Picture,
    Mask,
}

/// All stored pictures.
pub struct Pictures {
    folder: PathBuf,
    known: Mutex<BTreeMap<PictureId, PictureInfo>>,
}

impl Pictures {
    /// Those in this folder.
    ///
    /// # Errors
    /// If the list of them cannot be read.
    pub fn open(folder: PathBuf) -> anyhow::Result<Self> {
        let known = load(&folder.join(INDEX))?.unwrap_or_default();
        Ok(Self::of(folder, known))
    }

    /// These pictures in this folder.
    pub fn of(folder: PathBuf, known: BTreeMap<PictureId, PictureInfo>) -> Self {
        Self {
            folder,
            known: Mutex::new(known),
        }
    }

    /// Removes those that are not `needed`.
    pub fn forget_all_but(&self, needed: &BTreeSet<PictureId>) {
        let (mut known, folder) = (self.known(), &self.folder);
        known.retain(|id, info| needed.contains(id) && folder.join(info.file()).is_file());
        let kept: BTreeSet<_> = (known.values())
            .flat_map(|info| [info.file(), preview_file(info.id)])
            .chain([INDEX.to_owned()])
            .collect();
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            if !entry
                .file_name()
                .to_str()
                .is_some_and(|name| kept.contains(name))
            {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        let _ = self.save(&known);
    }

    /// Stores a picture file that the user calls `name`.
    ///
    /// Its length, its pixels and the number of pictures are checked before it is decoded.
    ///
    /// # Errors
    /// If it is too large, not a picture or damaged, or there are too many.
    pub fn add(&self, bytes: &[u8], name: &str, kind: Kind) -> Result<PictureInfo, Refusal> {
        let name = shown_name(name);
        let refuse =
            |status, trouble: &dyn fmt::Display| Refusal::new(status, format!("{name}: {trouble}"));
        if bytes.len() > MAX_BYTES {
            let trouble = format!(
                "the file is larger than {} MB; make it smaller first",
                MAX_BYTES >> 20
            );
            return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, &trouble));
        }
        let id = PictureId::of(bytes);
        if let Some(known) = self.get(id) {
            // It may have been stored as a mask.
            if kind == Kind::Picture && !self.folder.join(preview_file(id)).is_file() {
                let read = Picture::open(&self.path_of(&known));
                let (picture, _) =
                    read.map_err(|error| refuse(StatusCode::UNPROCESSABLE_ENTITY, error.kind()))?;
                self.store_preview(id, &picture)?;
            }
            return Ok(known);
        }
        if self.known().len() >= MAX_PICTURES {
            let trouble = format!(
                "the studio has {MAX_PICTURES} pictures and takes no more; end it and start it again, and it forgets those that no painting needs"
            );
            return Err(refuse(StatusCode::INSUFFICIENT_STORAGE, &trouble));
        }
        let not_a_picture =
            "not a picture, or a picture in an unknown format; convert it to PNG or JPEG first";
        // TGA has no signature: there the name decides.
        let by_name = || {
            ImageFormat::from_path(&name)
                .ok()
                .filter(|f| *f == ImageFormat::Tga)
        };
        let format = image::guess_format(bytes).ok().or_else(by_name);
        let format = format.filter(ImageFormat::reading_enabled);
        let format =
            format.ok_or_else(|| refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, &not_a_picture))?;
        if let Ok((width, height)) =
            ImageReader::with_format(source::of_bytes(bytes), format).into_dimensions()
            && u64::from(width) * u64::from(height) > MAX_PIXELS
        {
            let trouble = format!(
                "a picture of {width}x{height} has more than {} million pixels; make it smaller first",
                MAX_PIXELS / 1_000_000
            );
            return Err(refuse(StatusCode::PAYLOAD_TOO_LARGE, &trouble));
        }
        let ending = format.extensions_str()[0].to_owned();
        let mut info = PictureInfo {
            id,
            name: name.clone(),
            width: 0,
            height: 0,
            remark: None,
            ending,
        };
        let path = self.path_of(&info);
        write(&path, bytes).map_err(Refusal::internal)?;
        let read = Picture::open(&path)
            .map_err(|error| refuse(StatusCode::UNPROCESSABLE_ENTITY, error.kind()));
        let stored = read.and_then(|(picture, remark)| {
            let Size { width, height } = picture.size();
            (info.width, info.height) = (width, height);
            // The remark begins with the path.
            info.remark = remark.and_then(|remark| Some(remark.split_once(": ")?.1.to_owned()));
            if kind == Kind::Picture {
                self.store_preview(id, &picture)?;
            }
            let mut known = self.known();
            known.insert(id, info.clone());
            self.save(&known)
        });
        if let Err(refusal) = stored {
            let _ = std::fs::remove_file(&path);
            return Err(refusal);
        }
        Ok(info)
    }

    /// What is known of a picture; `None` if it is not stored.
    pub fn get(&self, id: PictureId) -> Option<PictureInfo> {
        self.known().get(&id).cloned()
    }

    /// The file of a picture.
    ///
    /// # Errors
    /// If it is not stored.
    pub fn path(&self, id: PictureId) -> Result<PathBuf, Refusal> {
        let known = self
            .get(id)
            .ok_or_else(|| Refusal::missing("this picture"))?;
        Ok(self.path_of(&known))
    }

    /// The picture that is stored in this file, if there is one.
    pub fn stored_at(&self, path: &Path) -> Option<PictureId> {
        let in_folder = path.parent() == Some(&*self.folder);
        let id = path
            .file_stem()?
            .to_str()?
            .parse()
            .ok()
            .filter(|_| in_folder)?;
        self.get(id).map(|info| info.id)
    }

    /// The file that shows a picture, and its type: a preview, or the file itself if there is none.
    ///
    /// # Errors
    /// If it is not stored.
    pub fn preview(&self, id: PictureId) -> Result<(PathBuf, &'static str), Refusal> {
        let preview = self.folder.join(preview_file(id));
        if preview.is_file() {
            return Ok((preview, "image/jpeg"));
        }
        self.original(id)
    }

    /// The file of a picture, and its type.
    ///
    /// # Errors
    /// If it is not stored.
    pub fn original(&self, id: PictureId) -> Result<(PathBuf, &'static str), Refusal> {
        let path = self.path(id)?;
        let format =
            ImageFormat::from_path(&path).map_err(|error| Refusal::internal(error.into()))?;
        Ok((path, format.to_mime_type()))
    }

    fn store_preview(&self, id: PictureId, picture: &Picture) -> Result<(), Refusal> {
        let preview = jpeg(picture, PREVIEW_EDGE);
        write(&self.folder.join(preview_file(id)), &preview).map_err(Refusal::internal)
    }

    /// The stored pictures that a request reads.
    pub fn of_request(&self, request: &RunRequest) -> Vec<PictureId> {
        let paths = request.inputs();
        paths.filter_map(|path| self.stored_at(path)).collect()
    }

    fn path_of(&self, info: &PictureInfo) -> PathBuf {
        self.folder.join(info.file())
    }

    fn save(&self, known: &BTreeMap<PictureId, PictureInfo>) -> Result<(), Refusal> {
        let text = serde_json::to_vec(known).expect("it is text and numbers");
        write(&self.folder.join(INDEX), &text).map_err(Refusal::internal)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<PictureId, PictureInfo>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
