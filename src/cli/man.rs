//! `impasto man`: the manual pages, made of what `--help` says.

use crate::files::atomic_file::AtomicFile;
use crate::files::os_reason;
use anyhow::{Context, bail};
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};
use std::fs::create_dir_all;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Write the manual pages: impasto.1, and a page for each command
#[derive(Args)]
pub struct ManPages {
    /// The folder for them, made if there is none
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

impl ManPages {
    /// Writes the pages of the `program`.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn run(&self, mut program: Command) -> anyhow::Result<ExitCode> {
        let folder = &self.folder;
        if let Err(error) = create_dir_all(folder) {
            bail!("{}: {}; name a folder", folder.display(), os_reason(&error));
        }
        program.build();
        // It has no page.
        let program = program.mut_subcommand("help", |help| help.hide(true));
        write_pages(&program, folder)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Writes the page of a command, and those of its subcommands. The file is called after the whole command: `impasto-weights-info.1`.
fn write_pages(command: &Command, folder: &Path) -> anyhow::Result<()> {
    let name = command.get_display_name().unwrap_or("impasto");
    let path = folder.join(format!("{name}.1"));
    let file = AtomicFile::new(&path);
    (file.and_then(|file| file.write(|file| write_page(command, name, file))))
        .with_context(|| format!("{}", path.display()))?;
    (command
        .get_subcommands()
        .filter(|command| !command.is_hide_set()))
    .try_for_each(|command| write_pages(command, folder))
}

fn write_page(command: &Command, name: &str, file: &mut impl Write) -> io::Result<()> {
    let title = name.to_uppercase();
    let man = Man::new(command.clone())
        .title(title)
        .manual("impasto")
        .source(version());
    man.render(file)?;
    let mut more = Roff::new();
    let examples = EXAMPLES.iter().filter(|example| example.page == name);
    for (place, example) in examples.enumerate() {
        if place == 0 {
            more.control("SH", ["EXAMPLES"]);
        }
        more.control("TP", []);
        more.text([bold(example.command)]);
        more.text([roman(example.meaning)]);
    }
    if name == "impasto" {
        for (heading, entries) in SECTIONS {
            more.control("SH", [*heading]);
            for (term, meaning) in *entries {
                more.control("TP", []);
                more.text([bold(*term)]);
                more.text([roman(*meaning)]);
            }
        }
    }
    more.to_writer(file)
}

fn version() -> String {
    format!("impasto {}", env!("CARGO_PKG_VERSION"))
}

/// An example on the page of a command.
struct Example {
    page: &'static str,
    command: &'static str,
    meaning: &'static str,
}

const EXAMPLES: &[Example] = &[
    Example {
        page: "impasto",
        command: "impasto stylize photo.jpg painting.jpg -o painted.png",
        meaning: "Paints a photograph in the style of a painting, 512 pixels wide or high.",
    },
    Example {
        page: "impasto",
        command: "impasto studio",
        meaning: "Opens a page in the browser for the same, with sketches, masks and a history.",
    },
    Example {
        page: "impasto-stylize",
        command: "impasto stylize photo.jpg painting.jpg -o sketch.png --size 256",
        meaning: "A quick sketch.",
    },
    Example {
        page: "impasto-stylize",
        command: "impasto stylize photo.jpg painting.jpg -o big.png --size 2000 --checkpoint big.ckpt",
        meaning: "A large picture. After a crash, impasto resume big.ckpt goes on where it was.",
    },
    Example {
        page: "impasto-stylize",
        command: "impasto stylize photo.jpg night.jpg wave.jpg -o out.png --content-mask sky.png --content-mask rest",
        meaning: "The first painting where sky.png is white, the second elsewhere.",
    },
    Example {
        page: "impasto-texture",
        command: "impasto texture painting.jpg -o tile.png --size 512x512 --seamless",
        meaning: "A texture that tiles.",
    },
    Example {
        page: "impasto-weights-convert",
        command: "impasto weights convert vgg19.mat vgg19.safetensors --dtype f16",
        meaning: "Makes a small file of a large one.",
    },
];

/// Sections of the program's own page.
const SECTIONS: &[(&str, &[(&str, &str)])] = &[
    (
        "EXIT STATUS",
        &[
            ("0", "The picture is written."),
            (
                "1",
                "Something went wrong; one line on the error stream says what.",
            ),
            ("2", "The command line is wrong."),
            (
                "130",
                "Ctrl-C ended the run early; the picture is written as it was.",
            ),
        ],
    ),
    (
        "ENVIRONMENT",
        &[
            (
                "IMPASTO_WEIGHTS",
                "A weights file, where --weights names none.",
            ),
            (
                "IMPASTO_CPU",
                "avx512, avx2, neon or portable: forces the vector instructions that are used.",
            ),
            (
                "RAYON_NUM_THREADS",
                "The number of threads, where --threads gives none, without --mpi.",
            ),
        ],
    ),
];
