//! The desk: what is to be painted, as the page sets it up.

use super::pictures::{PictureId, PictureInfo, Pictures};
use super::refusal::Refusal;
use crate::cli::request::{Files, REST};
use crate::painting::{Command, DEFINITIONS, Definition, Init, PRESETS, Recipe, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The most paintings of one picture.
const MAX_PAINTINGS: usize = 16;

/// What is to be painted, and how. What differs from the preset is written as on the command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Desk {
    pub photo: Option<PictureId>,
    pub paintings: Vec<DeskPainting>,
    /// The painting that is painted where the masks of the others are black.
    pub rest: Option<usize>,
    /// A mask: where it is white the photograph stays as it is.
    pub protect: Option<PictureId>,
    /// The picture to begin with instead of the photograph.
    pub start: Option<PictureId>,
    pub preset: String,
    pub settings: BTreeMap<String, String>,
}

/// A painting on the desk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeskPainting {
    pub picture: PictureId,
    /// Where in the photograph its style is painted; everywhere if there is none.
    pub mask: Option<PictureId>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            photo: None,
            paintings: Vec::new(),
            rest: None,
            protect: None,
            start: None,
            preset: "default".to_owned(),
            settings: BTreeMap::new(),
        }
    }
}

/// The settings that a desk may have: all but those of textures alone.
pub fn definitions() -> impl Iterator<Item = &'static Definition> {
    let of_textures = |setting: &Definition| setting.commands == [Command::Texture];
    DEFINITIONS
        .iter()
        .filter(move |setting| !of_textures(setting))
}

/// The presets that paint photographs.
pub fn presets() -> impl Iterator<Item = &'static str> {
    let others = [Command::Texture, Command::Reconstruct].map(Command::preset);
    let names = PRESETS.iter().map(|(name, _)| *name);
    names.filter(move |name| !others.contains(name))
}

impl Desk {
    /// The pictures on it.
    pub fn pictures(&self) -> impl Iterator<Item = PictureId> {
        let paintings = self.paintings.iter();
        (self.photo.into_iter())
            .chain(
                paintings
                    .flat_map(|painting| [Some(painting.picture), painting.mask])
                    .flatten(),
            )
            .chain(self.protect)
            .chain(self.start)
    }

    /// All settings.
    ///
    /// # Errors
    /// Which one is wrong.
    pub fn effective(&self) -> Result<Settings, Refusal> {
        let mut given = Recipe::default();
        for (name, text) in &self.settings {
            let mut known = definitions();
            let setting = known.find(|setting| setting.name() == *name);
            let setting = setting
                .ok_or_else(|| Refusal::setting(name, format!("there is no setting {name}")))?;
            (setting.parse)(text, &mut given)
                .map_err(|error| Refusal::setting(name, format!("{name}: {error}")))?;
        }
        // A file is a path, and the page may not name one: it says which of its pictures to begin with.
        if let Some(Init::File(_)) = given.init {
            return Err(Refusal::setting(
                "init",
                "init: write content, noise or random",
            ));
        }
        let preset = presets().find(|name| *name == self.preset);
        let preset = preset.and_then(|name| Recipe::preset_under(name, &given));
        let preset = preset
            .ok_or_else(|| Refusal::invalid(format!("there is no preset {}", self.preset)))?;
        let settings = given.or(preset).settings();
        settings
            .check_values()
            .map_err(|error| Refusal::invalid(error.to_string()))?;
        Ok(settings)
    }

    /// Its settings and files, for a picture in the file `output`.
    ///
    /// # Errors
    /// If a picture or a setting is wrong.
    pub fn request(
        &self,
        pictures: &Pictures,
        output: PathBuf,
    ) -> Result<(Settings, Files), Refusal> {
        let mut settings = self.effective()?;
        let path = |id: PictureId| pictures.path(id);
        if let Some(start) = self.start {
            settings.init = Init::File(path(start)?);
        }
        let masked = self
            .paintings
            .iter()
            .any(|painting| painting.mask.is_some());
        let mut content_mask = Vec::new();
        for (number, painting) in self.paintings.iter().enumerate().filter(|_| masked) {
            content_mask.push(match painting.mask {
                _ if self.rest == Some(number) => REST.into(),
                Some(mask) => path(mask)?,
                None => {
                    let trouble = format!(
                        "painting {} has no mask, and another one has: paint one for it, or give it the rest",
                        number + 1
                    );
                    return Err(Refusal::invalid(trouble));
                }
            });
        }
        let photo = self.photo.ok_or_else(|| {
            Refusal::invalid("there is no photograph yet: drop one, or choose an example")
        })?;
        if self.paintings.is_empty() {
            return Err(Refusal::invalid(
                "there is no painting yet: drop one, or choose an example",
            ));
        }
        let style = self.paintings.iter().map(|painting| path(painting.picture));
        let files = Files {
            content: Some(path(photo)?),
            style: style.collect::<Result<_, _>>()?,
            content_mask,
            style_mask: Vec::new(),
            protect: self.protect.map(path).transpose()?,
            output,
        };
        Ok((settings, files))
    }

    /// Checks what the page sent.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, pictures: &Pictures) -> Result<(), Refusal> {
        self.pictures()
            .try_for_each(|id| pictures.path(id).map(drop))?;
        if self.paintings.len() > MAX_PAINTINGS {
            return Err(Refusal::invalid(format!(
                "more than {MAX_PAINTINGS} paintings: remove some"
            )));
        }
        if self.rest.is_some_and(|rest| rest >= self.paintings.len()) {
            return Err(Refusal::invalid(
                "the rest is for a painting that is not here",
            ));
        }
        self.effective().map(drop)
    }

    /// The preset from which these settings differ least, and how.
    pub fn describe(settings: &Settings) -> (String, BTreeMap<String, String>) {
        let changes = |name: &str| {
            let preset = Recipe::preset(name).expect("it is built in").settings();
            let mut changes = BTreeMap::new();
            for setting in definitions() {
                let text = (setting.text)(settings);
                if text != (setting.text)(&preset) {
                    changes.insert(setting.name(), text);
                }
            }
            changes
        };
        let all = presets().map(|name| (name.to_owned(), changes(name)));
        all.min_by_key(|(_, changes)| changes.len())
            .expect("there are presets")
    }
}

/// Time and memory that the picture will take.
#[derive(Clone, Debug, Serialize)]
pub struct Estimate {
    pub size: String,
    pub iterations: usize,
    /// `None` as long as nothing like it was measured.
    pub seconds: Option<f64>,
    pub bytes: u64,
}

/// The desk as the page sees it.
#[derive(Clone, Debug, Serialize)]
pub struct DeskView {
    pub revision: u64,
    pub photo: Option<PictureInfo>,
    pub paintings: Vec<PaintingView>,
    pub rest: Option<usize>,
    pub protect: Option<PictureInfo>,
    pub start: Option<PictureInfo>,
    pub preset: String,
    pub settings: BTreeMap<String, String>,
    pub effective: BTreeMap<String, String>,
    pub estimate: Option<Estimate>,
    /// Why it cannot be painted.
    pub trouble: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct PaintingView {
    pub picture: PictureInfo,
    pub mask: Option<PictureInfo>,
}

impl DeskView {
    pub fn new(desk: &Desk, revision: u64, pictures: &Pictures) -> Self {
        let info = |id: Option<PictureId>| id.and_then(|id| pictures.get(id));
        let settings = desk.effective().unwrap_or_default();
        Self {
            revision,
            photo: info(desk.photo),
            paintings: (desk.paintings.iter())
                .filter_map(|painting| {
                    Some(PaintingView {
                        picture: pictures.get(painting.picture)?,
                        mask: info(painting.mask),
                    })
                })
                .collect(),
            rest: desk.rest,
            protect: info(desk.protect),
            start: info(desk.start),
            preset: desk.preset.clone(),
            settings: desk.settings.clone(),
            effective: definitions()
                .map(|setting| (setting.name(), (setting.text)(&settings)))
                .collect(),
            estimate: None,
            trouble: None,
        }
    }
}
