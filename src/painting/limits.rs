//! The limits of a picture's size: what the deepest layer can see, and how much memory a run needs. Both are known before any memory is
//! used; [`memory`](super::memory) decides what to do with the second.

use super::settings::InvalidSetting;
use crate::files::picture::Size;
use crate::objective::{Tap, depth};
use crate::vgg::{LayerKind, LayerSpec};
use sysinfo::System;

/// Bytes of an `f32`.
pub(super) const F32: u64 = 4;

/// Bytes of a bfloat16.
pub(super) const SHORT: u64 = 2;

/// Bytes of the program and its stacks.
const PROGRAM: u64 = 60 << 20;

/// Bytes of a picture's `f32`, for each pixel.
pub(super) const PICTURE: u64 = 3 * F32;

/// Arrays of the picture's own size that a run has at least: the picture, its gradient, the optimizer's state, the last finite picture,
/// and temporaries.
const PICTURES: u64 = 8;

/// Checks that the deepest of these taps sees at least one whole position of a picture.
///
/// # Errors
/// If the picture is too small.
pub(super) fn check_smallest(
    which: &str,
    size: Size,
    layers: &[LayerSpec],
    taps: &[Tap],
) -> Result<(), InvalidSetting> {
    let tapped = taps.iter().map(|tap| &layers[tap.layer]);
    match tapped.max_by_key(|spec| spec.stride) {
        Some(deepest) => check_deepest(which, size, deepest),
        None => Ok(()),
    }
}

/// Refuses a picture of which the deepest layer would not see one whole position.
fn check_deepest(which: &str, size: Size, deepest: &LayerSpec) -> Result<(), InvalidSetting> {
    let LayerSpec { name, stride, .. } = deepest;
    if u64::from(size.width.min(size.height)) >= *stride as u64 {
        return Ok(());
    }
    Err(InvalidSetting(format!(
        "the {which} picture at {size} is too small for layer {name}, which needs {stride} pixels each way; ask for a larger size \
         or for shallower layers"
    )))
}

/// Bytes that a run needs for a picture that goes through the network as a whole, down to the deepest of these taps. `kept` is how many
/// bytes stay for each activation of the tapped layers.
pub(super) fn of_whole(size: Size, layers: &[LayerSpec], taps: &[Tap], kept: u64) -> u64 {
    let pictures = PICTURES * PICTURE * pixels(size);
    activations(size, &layers[..depth(taps)], taps, kept) + pictures
}

/// Bytes for each pixel that a tile reads.
pub(super) fn of_tile_pixel(layers: &[LayerSpec], taps: &[Tap]) -> u64 {
    let size = Size {
        width: 1 << 10,
        height: 1 << 10,
    };
    activations(size, layers, taps, F32).div_ceil(pixels(size)) + PICTURE
}

/// Bytes of the activations at these taps, for each pixel of the picture.
pub(super) fn of_targets(layers: &[LayerSpec], taps: &[Tap]) -> u64 {
    let mut channels = 3;
    let of_layer = |spec: &LayerSpec| {
        if let LayerKind::Conv { outputs, .. } = spec.kind {
            channels = outputs;
        }
        (F32 as usize * channels).div_ceil(spec.stride * spec.stride) as u64
    };
    let bytes: Vec<u64> = layers.iter().map(of_layer).collect();
    taps.iter().map(|tap| bytes[tap.layer]).sum()
}

/// Bytes of a network, with its kernels as the file has them and as the engine needs them, and of the program itself.
pub(super) fn of_network(layers: &[LayerSpec]) -> u64 {
    let kernels = layers.iter().map(|spec| match spec.kind {
        LayerKind::Conv { inputs, outputs } => (9 * inputs * outputs) as u64,
        LayerKind::Pool => 0,
    });
    let largest = kernels.clone().max().unwrap_or(0);
    PROGRAM + F32 * (2 * kernels.sum::<u64>() + 4 * largest)
}

pub(super) fn pixels(size: Size) -> u64 {
    u64::from(size.width) * u64::from(size.height)
}

/// Bytes of what is `kept` of the tapped layers, of the masks of all layers, and of the largest gradient. They are by far the largest
/// part of a run's memory.
fn activations(size: Size, layers: &[LayerSpec], taps: &[Tap], kept: u64) -> u64 {
    let mut channels = 3;
    let elements: Vec<u64> = (layers.iter())
        .map(|spec| {
            if let LayerKind::Conv { outputs, .. } = spec.kind {
                channels = outputs as u64;
            }
            let positions = |edge: u32| u64::from(edge).div_ceil(spec.stride as u64);
            positions(size.width) * positions(size.height) * channels
        })
        .collect();
    let tapped: u64 = (elements.iter().enumerate())
        .filter(|&(layer, _)| taps.iter().any(|tap| tap.layer == layer))
        .map(|(_, elements)| elements)
        .sum();
    let masks = elements.iter().sum::<u64>() / 8;
    kept * tapped + masks + F32 * elements.iter().max().unwrap_or(&0)
}

/// The machine's memory in bytes, or the part of it that a container may use. If the system does not say, there is no limit.
pub(super) fn of_machine() -> u64 {
    let Ok(mut system) = System::new() else {
        return u64::MAX;
    };
    system.refresh_memory();
    match (system.total_memory(), system.cgroup_limits()) {
        (0, _) => u64::MAX,
        (total, None) => total,
        (total, Some(limits)) => total.min(limits.total_memory),
    }
}

/// How many cores the machine has, whichever of them this process may use; 1 if the system does not say.
#[cfg(feature = "cli")]
pub(crate) fn cores_of_machine() -> usize {
    use sysinfo::{CpuRefreshKind, RefreshKind};
    let cores = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    System::new_with_specifics(cores).map_or(1, |system| system.cpus().len().max(1))
}

/// The name of this machine; nothing if the system does not say.
pub(crate) fn host_name() -> String {
    System::host_name().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vgg::VGG19;

    #[test]
    fn the_activations_of_a_layer_are_counted() {
        let size = Size {
            width: 5,
            height: 3,
        };
        let layers = VGG19.layers();
        let tap = |layer| Tap { layer, weight: 1.0 };
        // conv1_1 and conv1_2: 5×3×64; pool1: 3×2×64.
        let (convs, pool) = (4 * 64 * 15, 4 * 64 * 6);
        let all = activations(size, &layers[..3], &[tap(1), tap(2)], F32);
        assert_eq!(all, convs + pool + (2 * convs + pool) / 32 + convs);
    }
}
