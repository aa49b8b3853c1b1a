//! What a run is asked for, by the command line, a list of jobs or a checkpoint.

pub mod embedded;

use super::args::{CheckpointOptions, MemoryArgs, NetworkOptions, OutputOptions, ReportOptions};
use crate::files::picture::Picture;
use crate::objective::Style;
use crate::painting::{Init, InputRegion, Inputs, RegionPlace, Settings};
use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What `--style-mask` may say instead of a file: the whole style picture.
pub const ALL: &str = "all";
/// What `--content-mask` may say instead of a file: what the other masks leave.
pub const REST: &str = "rest";

/// One run, from its files to its reports.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunRequest {
    pub files: Files,
    pub settings: Settings,
    pub output: OutputOptions,
    /// The file that settings were read from, which nothing may replace.
    #[serde(skip)]
    pub settings_from: Option<PathBuf>,
    /// The TOML file to write the settings to.
    pub save_settings: Option<PathBuf>,
    pub network: NetworkOptions,
    pub memory: MemoryArgs,
    pub reports: ReportOptions,
    pub checkpoints: CheckpointOptions,
}

/// The pictures of a run, and the file to write.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Files {
    pub content: Option<PathBuf>,
    pub style: Vec<PathBuf>,
    /// Where in the painted picture each style is painted; empty for everywhere.
    pub content_mask: Vec<PathBuf>,
    /// Which part of each style picture counts; empty for all of it.
    pub style_mask: Vec<PathBuf>,
    /// What of the photograph stays as it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protect: Option<PathBuf>,
    pub output: PathBuf,
}

impl RunRequest {
    /// The picture files that are read.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.files.inputs().chain(init_file(&self.settings))
    }

    /// Reads the pictures. Remarks on them go to `remark`.
    ///
    /// # Errors
    /// If one cannot be read, or the number of masks is not that of the styles.
    pub fn open(&self, remark: impl Fn(String)) -> anyhow::Result<Inputs> {
        let initial = init_file(&self.settings).map(|file| open(file, "--init", &remark));
        let initial = initial.transpose()?;
        Ok(Inputs {
            initial,
            ..self.files.open(remark)?
        })
    }

    /// The inputs, with the pictures that `picture(file, what)` returns.
    ///
    /// # Errors
    /// As `picture`, or if the number of masks is not that of the styles.
    #[cfg(feature = "studio")]
    pub fn inputs_from(
        &self,
        picture: impl Fn(&Path, &str) -> anyhow::Result<Picture>,
    ) -> anyhow::Result<Inputs> {
        let initial = init_file(&self.settings).map(|file| picture(file, "--init"));
        Ok(Inputs {
            initial: initial.transpose()?,
            ..self.files.inputs_from(picture)?
        })
    }

    /// The inputs with gray pictures in place of the real ones, for checks that only need to know which there are.
    ///
    /// # Errors
    /// If the number of masks is not that of the styles.
    pub fn placeholders(&self) -> anyhow::Result<Inputs> {
        let gray = || Picture::from_array(&ndarray::Array3::zeros((1, 1, 3)));
        Ok(Inputs {
            initial: init_file(&self.settings).map(|_| gray()),
            ..self.files.inputs_from(|_, _| Ok(gray()))?
        })
    }
}

impl Files {
    /// The picture files that are read, without the one that `init` may name.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        let masks = (self.content_mask.iter().chain(&self.style_mask))
            .filter(|mask| ![Path::new(ALL), Path::new(REST)].contains(&mask.as_path()));
        let pictures = self.content.iter().chain(&self.style).chain(&self.protect);
        pictures.chain(masks).map(PathBuf::as_path)
    }

    fn open(&self, remark: impl Fn(String)) -> anyhow::Result<Inputs> {
        self.inputs_from(|file, what| open(file, what, &remark))
    }

    /// The inputs, with the pictures that `picture(file, what)` returns.
    fn inputs_from(
        &self,
        picture: impl Fn(&Path, &str) -> anyhow::Result<Picture>,
    ) -> anyhow::Result<Inputs> {
        let content = self.content.as_deref().map(|file| picture(file, "content"));
        let content = content.transpose()?;
        self.check_mask_counts()?;
        let mut styles = Vec::new();
        for (number, file) in self.style.iter().enumerate() {
            let mut style = Style::whole(picture(file, "style")?);
            let mask = self.style_mask.get(number);
            if let Some(mask) = mask.filter(|mask| *mask != Path::new(ALL)) {
                style.mask = Some(picture(mask, "--style-mask")?);
            }
            styles.push(style);
        }
        let mut places = Vec::new();
        for mask in &self.content_mask {
            places.push(if mask == Path::new(REST) {
                RegionPlace::Rest
            } else {
                RegionPlace::Mask(picture(mask, "--content-mask")?)
            });
        }
        let protect = self.protect.as_deref();
        let protected = protect.map(|mask| picture(mask, "--protect"));
        Ok(Inputs {
            content,
            regions: InputRegion::of_styles(styles, places),
            initial: None,
            protected: protected.transpose()?,
        })
    }

    /// Checks that there are as many masks as styles, or none.
    fn check_mask_counts(&self) -> anyhow::Result<()> {
        for (option, masks) in [
            ("--content-mask", &self.content_mask),
            ("--style-mask", &self.style_mask),
        ] {
            anyhow::ensure!(
                masks.is_empty() || masks.len() == self.style.len(),
                "{option}: {} for {} style pictures; give one for each, in their order",
                masks.len(),
                self.style.len()
            );
        }
        Ok(())
    }
}

/// The picture file that these settings begin with, if they do.
pub fn init_file(settings: &Settings) -> Option<&Path> {
    match &settings.init {
        Init::File(file) => Some(file),
        _ => None,
    }
}

/// Reads a picture. Messages call it the `what` picture.
pub fn open(path: &Path, what: &str, remark: impl FnOnce(String)) -> anyhow::Result<Picture> {
    let (picture, note) = Picture::open(path).with_context(|| format!("{what} picture"))?;
    if let Some(note) = note {
        remark(note);
    }
    Ok(picture)
}
