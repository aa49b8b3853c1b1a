//! Options for the file that is written.

use crate::files::picture::{Depth, Encoding};
use clap::Args;
use serde::{Deserialize, Serialize};

/// Options for the file that is written.
#[derive(Args, Clone, Debug, Default, Serialize, Deserialize)]
#[command(next_help_heading = "Output")]
pub struct OutputOptions {
    /// Bits of each color: 16 for PNG and TIFF [default: 8]
    #[arg(long, value_name = "8|16")]
    bit_depth: Option<Depth>,

    /// Quality of a JPEG, 1 to 100 [default: 95]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    jpeg_quality: Option<u8>,

    /// Make the painted picture transparent where the photograph is
    #[arg(long)]
    keep_alpha: bool,

    /// Do not store the settings in the PNG. --settings-from reads them; they include the names of the pictures as they were given
    #[arg(long)]
    pub no_settings: bool,
}

impl OutputOptions {
    /// The encoding of a picture file with these texts in it.
    pub fn encoding(&self, text: Vec<(String, String)>) -> Encoding {
        Encoding {
            depth: self.bit_depth.unwrap_or_default(),
            quality: self.jpeg_quality,
            alpha: self.keep_alpha,
            text,
        }
    }
}
