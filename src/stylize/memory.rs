//! Whether a run fits into the machine's memory, asked before the memory is taken.

use crate::picture::Size;
use crate::vgg::{LayerKind, LayerSpec};

/// Bytes of a number.
const F32: u64 = 4;

/// Arrays of the picture's own size: itself, its gradient, the optimiser's two, the last good one, and some on the way.
const PICTURES: u64 = 8;

/// Refuses a picture that takes more than the machine's memory.
pub(super) fn check(which: &str, size: Size, layers: &[LayerSpec]) -> Result<(), String> {
    let pictures = PICTURES * 3 * F32 * u64::from(size.width) * u64::from(size.height);
    let (needed, there) = (activations(size, layers) + pictures, of_machine());
    if needed <= there {
        return Ok(());
    }
    let gigabytes = |bytes: u64| bytes as f64 / 1e9;
    Err(format!(
        "the {which} picture at {size} takes at least {:.0} GB of memory, and this machine has {:.0} GB; ask for a smaller size",
        gigabytes(needed),
        gigabytes(there)
    ))
}

/// Bytes of all outputs of these layers for a picture of this size, which exist at once: by far the most of what a run takes.
fn activations(size: Size, layers: &[LayerSpec]) -> u64 {
    let mut channels = 3;
    let of_layer = |spec: &LayerSpec| {
        if let LayerKind::Conv { outputs, .. } = spec.kind {
            channels = outputs as u64;
        }
        let positions = |edge: u32| u64::from(edge).div_ceil(spec.stride as u64);
        positions(size.width) * positions(size.height) * channels * F32
    };
    layers.iter().map(of_layer).sum()
}

/// The machine's memory in bytes, or what a container is allowed of it. If the system does not tell, it is without limit.
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
        // conv1_1, conv1_2: 5×3×64; pool1: 3×2×64.
        let expected = 4 * 64 * (15 + 15 + 6);
        assert_eq!(activations(size, &layers[..3]), expected);
    }

    #[test]
    fn an_enormous_picture_is_refused_and_an_ordinary_one_is_not() {
        let layers = VGG19.layers();
        let square = |edge| Size {
            width: edge,
            height: edge,
        };
        assert_eq!(check("content", square(256), &layers), Ok(()));
        let refusal = check("content", square(1 << 20), &layers).unwrap_err();
        assert!(refusal.contains("GB of memory"), "{refusal}");
    }
}
