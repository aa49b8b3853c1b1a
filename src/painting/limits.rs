//! The limits of a picture's size: what the deepest layer can see, and what the machine's memory can hold. Both are checked before
//! any memory is used.

use super::border;
use super::settings::InvalidSetting;
use crate::files::picture::Size;
use crate::objective::{Tap, depth};
use crate::vgg::{LayerKind, LayerSpec};

/// Bytes of an `f32`.
pub(super) const F32: u64 = 4;

/// Bytes of a bfloat16.
pub(super) const SHORT: u64 = 2;

/// Arrays of the picture's own size that a run has at least: the picture, its gradient, the optimizer's state, the last finite picture,
/// and temporaries.
const PICTURES: u64 = 8;

/// Checks the size of a picture that, with its border, goes through the network down to the deepest of these taps. `kept` is how
/// many bytes stay for each activation of the tapped layers.
///
/// # Errors
/// If it is too small for a layer, or needs more than the machine's memory.
pub(super) fn check_size(
    which: &str,
    size: Size,
    border: usize,
    layers: &[LayerSpec],
    taps: &[Tap],
    kept: u64,
) -> Result<(), InvalidSetting> {
    let tapped = taps.iter().map(|tap| &layers[tap.layer]);
    if let Some(deepest) = tapped.max_by_key(|spec| spec.stride) {
        check_smallest(which, size, deepest)?;
    }
    check_memory(which, size, border, &layers[..depth(taps)], taps, kept)
}

/// Refuses a picture of which the deepest layer would not see one whole position.
fn check_smallest(which: &str, size: Size, deepest: &LayerSpec) -> Result<(), InvalidSetting> {
    let LayerSpec { name, stride, .. } = deepest;
    if u64::from(size.width.min(size.height)) >= *stride as u64 {
        return Ok(());
    }
    Err(InvalidSetting(format!(
        "the {which} picture at {size} is too small for layer {name}, which needs {stride} pixels each way; ask for a larger size \
         or for shallower layers"
    )))
}

/// Refuses a picture that needs more than the machine's memory.
fn check_memory(
    which: &str,
    size: Size,
    border: usize,
    layers: &[LayerSpec],
    taps: &[Tap],
    kept: u64,
) -> Result<(), InvalidSetting> {
    let whole = border::around(size, border);
    let pictures = PICTURES * 3 * F32 * u64::from(whole.width) * u64::from(whole.height);
    let (needed, there) = (
        activations(whole, layers, taps, kept) + pictures,
        of_machine(),
    );
    if needed <= there {
        return Ok(());
    }
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    Err(InvalidSetting(format!(
        "the {which} picture at {size} needs at least {:.0} GB of memory, and this machine has {:.0} GB; ask for a smaller size",
        gigabytes(needed),
        gigabytes(there)
    )))
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
fn of_machine() -> u64 {
    let Ok(mut system) = sysinfo::System::new() else {
        return u64::MAX;
    };
    system.refresh_memory();
    match (system.total_memory(), system.cgroup_limits()) {
        (0, _) => u64::MAX,
        (total, None) => total,
        (total, Some(limits)) => total.min(limits.total_memory),
    }
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

    #[test]
    fn an_enormous_picture_is_refused_and_an_ordinary_one_is_not() {
        let layers = VGG19.layers();
        let square = |edge| Size {
            width: edge,
            height: edge,
        };
        assert_eq!(
            check_size("content", square(256), 8, &layers, &[], F32),
            Ok(())
        );
        let refusal = check_size("content", square(1 << 20), 8, &layers, &[], F32).unwrap_err();
        assert!(refusal.0.contains("GB of memory"), "{refusal}");
    }
}
