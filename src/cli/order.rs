//! What a run is asked for, whoever asks: the command line or a checkpoint.

use super::checkpoints::CheckpointOptions;
use super::kept;
use super::machine::MachineOptions;
use super::options::{init_file, open};
use super::places::Places;
use super::reports::ReportOptions;
use clap::Args;
use impasto::picture::{Depth, Encoding, OutputFile, Picture};
use impasto::stylize::{Inputs, Painted, Recipe, Style};
use impasto::weights::Convention;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A mask that says: all of it, or whatever is left.
pub const ALL: &str = "all";
pub const REST: &str = "rest";

/// One run, from its files to its reports.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    pub files: Files,
    /// It leaves nothing open.
    pub recipe: Recipe,
    pub encoding: OutputOptions,
    /// Where the recipe is to be written, if it is.
    pub save_settings: Option<PathBuf>,
    pub network: NetworkOptions,
    pub reports: ReportOptions,
    pub checkpoints: CheckpointOptions,
}

/// The pictures that go in, and where the painted one goes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Files {
    pub content: Option<PathBuf>,
    pub style: Vec<PathBuf>,
    /// Where in the painted picture each style is painted; none for everywhere.
    pub content_mask: Vec<PathBuf>,
    /// What of each style picture is looked at; none for all of it.
    pub style_mask: Vec<PathBuf>,
    pub output: PathBuf,
}

/// Options of the file that is written.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Bits of each colour: 16 for PNG and TIFF [default: 8]
    #[arg(long, value_name = "8|16")]
    bit_depth: Option<Depth>,

    /// How well a JPEG is kept, 1 to 100 [default: 95]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    jpeg_quality: Option<u8>,

    /// Leave transparent what is transparent in the photograph
    #[arg(long)]
    keep_alpha: bool,

    /// Keep no settings in the PNG; they are what --settings-from reads, with the names of the pictures as they were given
    #[arg(long)]
    no_settings: bool,
}

/// Options of the network and the machine.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Network and machine")]
pub struct NetworkOptions {
    /// Network weights, VGG-16 or VGG-19: a .safetensors, .pth, .mat, .h5 or .npz file [default: VGG-16, built in]
    /// [env: IMPASTO_WEIGHTS]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,

    /// The pixels that the network was trained on, where the file tells them wrong: caffe-rgb, caffe-bgr or torchvision
    #[arg(long, value_name = "NAME")]
    pub weights_convention: Option<Convention>,

    #[command(flatten)]
    pub machine: MachineOptions,
}

impl Order {
    /// Refuses places for what is written that cannot be, or that another file of the run has. `ours`: the checkpoint that is there
    /// already is this run's.
    ///
    /// # Errors
    /// Which file, and what is wrong with it.
    pub fn check_places(&self, weights: Option<&Path>, ours: bool) -> anyhow::Result<()> {
        let mut places = Places::default();
        self.inputs()
            .chain(weights)
            .for_each(|file| places.reads(file));
        places.writes("--output", &self.files.output)?;
        if let Some(file) = &self.save_settings {
            places.writes("--save-settings", file)?;
        }
        self.reports.check(&mut places)?;
        self.checkpoints.check(&mut places, ours)?;
        self.reports.check_frames(&places)
    }

    /// The picture files that are read.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        self.files.inputs().chain(init_file(&self.recipe))
    }
}

impl Order {
    /// The place for the picture, which will hold the settings too.
    ///
    /// # Errors
    /// If it cannot be written, or not so.
    pub fn output(&self) -> anyhow::Result<OutputFile> {
        let options = &self.encoding;
        let text = match options.no_settings {
            true => Vec::new(),
            false => (kept::Kept::of(self).to_text())
                .map(|text| (kept::KEY.to_owned(), text))
                .into_iter()
                .collect(),
        };
        let encoding = Encoding {
            depth: options.bit_depth.unwrap_or_default(),
            quality: options.jpeg_quality,
            alpha: options.keep_alpha,
            text,
        };
        Ok(OutputFile::new(&self.files.output)?.with_encoding(encoding)?)
    }
}

impl Files {
    /// The picture files, without the one that the run may begin with.
    pub fn inputs(&self) -> impl Iterator<Item = &Path> {
        let masks = (self.content_mask.iter().chain(&self.style_mask))
            .filter(|mask| ![Path::new(ALL), Path::new(REST)].contains(&mask.as_path()));
        let pictures = self.content.iter().chain(&self.style);
        pictures.chain(masks).map(PathBuf::as_path)
    }

    /// Checks that there are as many masks as styles.
    ///
    /// # Errors
    /// If there are not.
    pub fn check_masks(&self) -> anyhow::Result<()> {
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

    /// Pictures of no interest in place of these, for checks that need only know which there are.
    pub fn stand_ins(&self) -> Inputs {
        let grey = || Picture::from_array(&ndarray::Array3::zeros((1, 1, 3)));
        let style = |number| Style {
            painted: match self.content_mask.get(number) {
                Some(_) => Painted::Mask(grey()),
                None => Painted::Everywhere,
            },
            ..Style::new(grey())
        };
        Inputs {
            content: self.content.as_ref().map(|_| grey()),
            styles: (0..self.style.len()).map(style).collect(),
        }
    }

    /// Reads the pictures. What there is to say of one goes to `remark`.
    ///
    /// # Errors
    /// If one cannot be read, or there are not as many masks as styles.
    pub fn open(&self, remark: impl Fn(String)) -> anyhow::Result<Inputs> {
        let content = self
            .content
            .as_deref()
            .map(|file| open(file, "content", &remark));
        let content = content.transpose()?;
        self.check_masks()?;
        let styles = self.style.iter().enumerate().map(|(number, file)| {
            let mut style = Style::new(open(file, "style", &remark)?);
            if let Some(mask) = self.content_mask.get(number) {
                style.painted = match mask.to_str() {
                    Some(REST) => Painted::Rest,
                    _ => Painted::Mask(open(mask, "--content-mask", &remark)?),
                };
            }
            if let Some(mask) = self
                .style_mask
                .get(number)
                .filter(|mask| *mask != Path::new(ALL))
            {
                style.seen = Some(open(mask, "--style-mask", &remark)?);
            }
            Ok(style)
        });
        let styles = styles.collect::<anyhow::Result<_>>()?;
        Ok(Inputs { content, styles })
    }
}
