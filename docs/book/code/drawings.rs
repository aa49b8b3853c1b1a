//! Where the chapters put what they draw and measure: files in one folder, and numbers in one list.

use anyhow::{Context, Result, anyhow};
use image::RgbImage;
use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, SVGBackend, WHITE};
use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// The file with the numbers, in the folder of the figures.
const NUMBERS: &str = "numbers.json";

/// The figures and the numbers of one chapter. Each file is called `CHAPTER-NAME.svg`, `.png` or `.md`, each number `CHAPTER.NAME`.
pub struct Drawings {
    folder: PathBuf,
    chapter: &'static str,
    numbers: BTreeMap<String, String>,
}

impl Drawings {
    /// Figures go to `folder`, which must exist.
    pub fn of_chapter(folder: &Path, chapter: &'static str) -> Self {
        let (folder, numbers) = (folder.to_owned(), BTreeMap::new());
        Self {
            folder,
            chapter,
            numbers,
        }
    }

    /// Draws a plot of this size in pixels, on white.
    ///
    /// # Errors
    /// If `draw` fails, or the file cannot be written.
    pub fn plot(
        &self,
        name: &str,
        size: (u32, u32),
        draw: impl FnOnce(&DrawingArea<SVGBackend, Shift>) -> Result<()>,
    ) -> Result<()> {
        let mut text = String::new();
        {
            let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
            area.fill(&WHITE)?;
            draw(&area)?;
            area.present()?;
        }
        self.text(name, "svg", &text)
    }

    /// Writes a drawing that is SVG already.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn svg(&self, name: &str, svg: &str) -> Result<()> {
        self.text(name, "svg", svg)
    }

    /// Writes Markdown, such as a table, that a chapter includes with `{{#include ../drawn/CHAPTER-NAME.md}}`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn markdown(&self, name: &str, text: &str) -> Result<()> {
        self.text(name, "md", text)
    }

    /// Writes a picture as a PNG.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn picture(&self, name: &str, picture: &RgbImage) -> Result<()> {
        let file = self.path(name, "png");
        picture
            .save(&file)
            .with_context(|| file.display().to_string())
    }

    /// Gives the text a number, or a few words that were measured: `{{number CHAPTER.NAME}}` stands for it.
    pub fn number(&mut self, name: &str, value: impl Display) {
        let name = format!("{}.{name}", self.chapter);
        self.numbers.insert(name, value.to_string());
    }

    /// The file of a figure.
    pub fn path(&self, name: &str, extension: &str) -> PathBuf {
        let name = format!("{}-{name}.{extension}", self.chapter);
        self.folder.join(name)
    }

    fn text(&self, name: &str, extension: &str, text: &str) -> Result<()> {
        let file = self.path(name, extension);
        std::fs::write(&file, text).with_context(|| file.display().to_string())
    }
}

/// The numbers of all chapters.
#[derive(Default)]
pub struct Numbers(BTreeMap<String, String>);

impl Numbers {
    /// The numbers that were measured before, if any were.
    ///
    /// # Errors
    /// If the file is damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let file = folder.join(NUMBERS);
        match std::fs::read_to_string(&file) {
            Ok(text) => {
                let numbers = serde_json::from_str(&text);
                Ok(Self(numbers.with_context(|| file.display().to_string())?))
            }
            Err(_) => Ok(Self::default()),
        }
    }

    /// Those of a chapter, in the place of what it had before.
    pub fn replace(&mut self, drawings: Drawings) {
        let prefix = format!("{}.", drawings.chapter);
        self.0.retain(|name, _| !name.starts_with(&prefix));
        self.0.extend(drawings.numbers);
    }

    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let file = folder.join(NUMBERS);
        let text = serde_json::to_string_pretty(&self.0)?;
        std::fs::write(&file, text).with_context(|| file.display().to_string())
    }

    /// The number `CHAPTER.NAME`.
    ///
    /// # Errors
    /// If nothing measured it.
    pub fn get(&self, name: &str) -> Result<&str> {
        let number = self.0.get(name).map(String::as_str);
        number.ok_or_else(|| anyhow!("no chapter measures the number {name}: run `make book`"))
    }

    /// The names of all numbers.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}
