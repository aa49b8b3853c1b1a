//! The weights inside the program.

/// The bytes of the safetensors file that is built into the program, if there is one: `data/vgg16.safetensors` in a checkout with the feature
/// `embedded-weights`, or the file that `IMPASTO_EMBED_WEIGHTS` named when the program was built.
pub fn built_in() -> Option<&'static [u8]> {
    #[cfg(built_in_weights)]
    return Some(include_bytes!(env!("BUILT_IN_WEIGHTS")));
    #[cfg(not(built_in_weights))]
    return None;
}
