//! How much memory a run may take, and what is done at sizes that need more: tiles, and scratch files.

use super::settings::{InvalidSetting, OptimizerKind, Parameters};
use super::{Settings, limits};
use crate::files::picture::Size;
use crate::method::Communicator;
use crate::method::big_array::{Scratch, Storage};
use crate::objective::{Method, TileSize};
use std::path::PathBuf;
use std::sync::Arc;

/// What a run may take of the machine's memory and disk.
#[derive(Clone, Debug, Default)]
pub struct MemoryOptions {
    /// Bytes of memory. `None` is what the machine has.
    pub bytes: Option<u64>,
    /// Pixels along the edges of tiles: every size is painted in tiles that own at most this many each way. `None` is as few tiles as the
    /// memory allows.
    pub tile: Option<usize>,
    /// The folder for scratch files. `None` is the system's folder for temporary files.
    pub scratch: Option<PathBuf>,
}

/// How a size of a run is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Layout {
    /// The size of tiles; `None` if the picture is computed whole.
    pub tile: Option<TileSize>,
    /// Whether the picture, its gradient and the optimizer's state are in scratch files.
    pub on_disk: bool,
    /// How many pairs of pictures L-BFGS remembers.
    pub history: usize,
    /// Bytes of memory that it takes, about.
    pub bytes: u64,
    /// Bytes to spare for what the engine would otherwise compute anew in each iteration.
    pub spare: u64,
    /// Bytes of the photograph's activations, for each pixel.
    targets: u64,
    /// Pixels of the painted picture that one process has, at most.
    own_pixels: u64,
    /// Bytes of the whole picture, which the first of several processes gathers, and of the painted picture that it makes of it.
    gathered: u64,
}

/// How much memory each process may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// How many processes there are.
    pub ranks: usize,
    /// Bytes for a picture that is computed whole.
    whole: u64,
    /// Bytes for tiles, and what is kept beside them.
    tiled: u64,
}

/// What a size of a run needs.
pub(super) struct Needs<'a> {
    /// Bytes, if its largest picture is computed as a whole.
    pub whole: u64,
    /// What that picture is.
    pub which: &'a str,
    /// The size of that picture.
    pub size: Size,
    /// Pixels of the painted picture, with its border.
    pub pixels: u64,
    /// Those of them that one process has, at most.
    pub own_pixels: u64,
    /// Bytes for each pixel that a tile reads.
    pub tile_pixel: u64,
    /// Bytes of the photograph's activations, for each pixel of the painted picture.
    pub targets: u64,
    /// Bytes of the network.
    pub network: u64,
    /// The number of regions that have no place where the photograph is protected; 0 if it is not.
    pub around_protected: u64,
}

/// Pixels that a tile reads, at least, while the optimizer's pictures are in memory: with smaller ones the halos cost more time than the
/// disk does.
const GOOD_TILE: u64 = 1_000_000;

/// The part of the machine's memory that is used, if the user names none.
const MACHINE_SHARE: f64 = 0.8;

/// Bytes for each pixel of the painted picture that are needed in any case: the photograph and the paintings with 8 bits a channel, as they are
/// read and as they are fitted to a size.
const SOURCES: u64 = 12;

/// Bytes for each pixel of the mask of what is protected: with 8 bits as it is read and as it is fitted, and as weights.
const PROTECTED: u64 = 2 + limits::F32;

/// Bytes to spare for the engine with a small picture: about all that it can keep.
const SPARE: u64 = 500_000_000;

/// So many fewer for each pixel: none from a picture of 500x500 on.
const SPARE_PER_PIXEL: u64 = 2000;

/// The smallest tile that is worth its halo, in pixels that it reads.
const SMALLEST_TILE: u64 = 256 * 256;

/// Pairs of L-BFGS, at least, where the disk has no space for all that the settings ask for.
pub(super) const FEWEST_PAIRS: usize = 3;

impl Layout {
    /// The fastest way that fits into memory: the whole picture; tiles; or tiles, and the optimizer's pictures in scratch files.
    ///
    /// # Errors
    /// If none does.
    pub fn new(
        settings: &Settings,
        memory: &MemoryOptions,
        budget: Budget,
        needs: &Needs,
    ) -> Result<Self, InvalidSetting> {
        let history = settings.history as usize;
        let Budget {
            ranks,
            whole,
            tiled,
        } = budget;
        if ranks == 1 && memory.tile.is_none() && needs.whole <= whole {
            let left = whole.saturating_sub(needs.network + needs.whole);
            let spare_of_whole = spare(needs.pixels).min(left);
            return Ok(Self {
                tile: None,
                on_disk: false,
                history,
                bytes: needs.network + needs.whole + spare_of_whole,
                spare: spare_of_whole,
                targets: needs.targets,
                own_pixels: needs.own_pixels,
                gathered: 0,
            });
        }
        let option = match (ranks, memory.tile) {
            (2.., _) => Some("--mpi"),
            (_, tile) => tile.map(|_| "--tile"),
        };
        let objection = objection(settings);
        if let (Some(option), Some(objection)) = (option, objection) {
            let trouble = format!("{option} does not go with {objection}: leave it out");
            return Err(InvalidSetting(trouble));
        }
        if let Some(objection) = objection {
            return Err(too_large(
                needs,
                needs.whole,
                whole,
                &format!("; tiles need less, but do not go with {objection}"),
            ));
        }
        // With other processes, the picture and its gradient with the rows that this process only reads.
        let arrays = arrays_of_run(settings, history) + if ranks > 1 { 2 } else { 0 };
        let of_pixel = arrays * limits::PICTURE + needs.targets;
        let pictures = of_pixel * needs.own_pixels;
        let gathered = if ranks > 1 {
            2 * limits::PICTURE * needs.pixels
        } else {
            0
        };
        let masks = match needs.around_protected {
            0 => 0,
            regions => PROTECTED + regions * limits::F32,
        };
        let sources = (SOURCES + masks) * needs.pixels;
        let area_beside = |resident: u64| tiled.saturating_sub(resident) / needs.tile_pixel;
        let resident = sources + needs.network;
        let in_memory = resident + pictures + gathered;
        let on_disk = area_beside(in_memory) < GOOD_TILE.min(needs.own_pixels);
        let area = area_beside(if on_disk { resident } else { in_memory });
        if area < SMALLEST_TILE && memory.tile.is_none() {
            let needed = resident + SMALLEST_TILE * needs.tile_pixel;
            return Err(too_large(needs, needed, tiled, ", even in tiles"));
        }
        let tile = match memory.tile {
            Some(edge) => TileSize::Edge(edge),
            None => TileSize::Area(area as usize),
        };
        let tile_pixels = match tile {
            TileSize::Area(area) => area.min(needs.own_pixels as usize),
            TileSize::Edge(edge) => edge * edge,
        };
        let of_tile = tile_pixels as u64 * needs.tile_pixel;
        Ok(Self {
            tile: Some(tile),
            on_disk,
            history,
            bytes: match tile {
                TileSize::Area(_) => tiled,
                TileSize::Edge(_) => in_memory + of_tile,
            },
            spare: if on_disk {
                0
            } else {
                spare(needs.own_pixels).min(tiled.saturating_sub(in_memory + of_tile))
            },
            targets: needs.targets,
            own_pixels: needs.own_pixels,
            gathered,
        })
    }

    /// Bytes of the scratch files of one process.
    pub fn scratch_bytes(&self, settings: &Settings) -> u64 {
        if !self.on_disk {
            return 0;
        }
        let pictures = arrays_of_run(settings, self.history) * limits::PICTURE;
        (pictures + self.targets) * self.own_pixels + self.gathered
    }
}

/// Bytes to spare for a picture of this many pixels. What is kept saves the same time in each iteration, whatever the picture's size: a twelfth
/// of it at 80,000 pixels, but a thirtieth at 300,000. So the larger the picture, the less it is worth its memory.
fn spare(pixels: u64) -> u64 {
    SPARE.saturating_sub(SPARE_PER_PIXEL * pixels)
}

/// Arrays of the picture's size that a run works with: the picture, its gradient, the last one with a finite loss, temporary ones, the
/// photograph and a painting while the targets are computed, and the optimizer's state.
fn arrays_of_run(settings: &Settings, history: usize) -> u64 {
    let state = match settings.optimizer {
        OptimizerKind::Adam => 3,
        OptimizerKind::Rmsprop => 1,
        OptimizerKind::Lbfgs => 3 + 2 * history as u64,
    };
    7 + state
}

/// Which of the settings needs all positions of the picture at once, if one does.
fn objection(settings: &Settings) -> Option<&'static str> {
    let loss = settings.style_loss;
    if settings.method != Method::Layers {
        Some("the methods strotss and nearest, which compare positions all over the picture")
    } else if !loss.is_of_sums() {
        Some("the style losses sliced and histogram, which sort all positions of the picture")
    } else if settings.normalize_gradients {
        Some("normalize-gradients, which needs the gradients of all positions first")
    } else if settings.parameters == Parameters::Pyramid {
        Some("parameters = \"pyramid\"")
    } else {
        None
    }
}

/// How many of the processes run on this machine.
pub(crate) fn processes_of_this_machine(world: &dyn Communicator) -> usize {
    let name = limits::host_name();
    let names = world.all_gather(name.as_bytes());
    let here = names.iter().filter(|other| *other == name.as_bytes());
    here.count()
}

fn too_large(needs: &Needs, needed: u64, available: u64, remark: &str) -> InvalidSetting {
    let Needs { which, size, .. } = needs;
    let (needed, available) = (readable(needed), readable(available));
    InvalidSetting(format!(
        "the {which} picture at {size} needs at least {needed} of memory{remark}, and there is {available}; ask for a smaller size"
    ))
}

/// `1.5 GB`, `120 MB`
fn readable(bytes: u64) -> String {
    match bytes {
        1_000_000_000.. => format!("{:.1} GB", bytes as f64 / 1e9),
        _ => format!("{:.0} MB", bytes as f64 / 1e6),
    }
}

impl MemoryOptions {
    /// How much memory each process may take, the same for all: as much as the one may that has the least.
    pub(super) fn budget(&self, world: &dyn Communicator) -> Budget {
        let whole = (self.bytes)
            .unwrap_or_else(|| limits::of_machine() / processes_of_this_machine(world) as u64);
        let tiled = match self.bytes {
            Some(bytes) => bytes,
            None => (whole as f64 * MACHINE_SHARE) as u64,
        };
        Budget {
            ranks: world.ranks(),
            whole: world.min(whole),
            tiled: world.min(tiled),
        }
    }

    /// Where arrays of sizes `on_disk` are kept.
    ///
    /// # Errors
    /// If no file can be created in the folder, or it has less space than `needed` bytes.
    pub(super) fn scratch(&self, needed: u64) -> Result<Storage, InvalidSetting> {
        let folder = self.scratch.clone().unwrap_or_else(std::env::temp_dir);
        let refuse = |trouble: String| {
            let shown = folder.display();
            InvalidSetting(format!(
                "the folder for scratch files, {shown}: {trouble}; name another one"
            ))
        };
        let unusable = |error| refuse(crate::files::os_reason(&error));
        let scratch = Scratch::new(&folder).map_err(unusable)?;
        let available = scratch.available().map_err(unusable)?;
        if available < needed {
            let (needed, available) = (readable(needed), readable(available));
            let trouble = format!("{needed} of space is needed, and {available} is free");
            return Err(refuse(trouble));
        }
        Ok(Storage::Scratch(Arc::new(scratch)))
    }
}
