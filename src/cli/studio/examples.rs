//! The project's own photographs and paintings, for a first picture with one click.

/// A photograph or a painting that is in the program.
pub struct Example {
    pub file: &'static str,
    pub bytes: &'static [u8],
}

macro_rules! examples {
    ($($folder:literal $file:literal)*) => {
        &[$(Example { file: $file, bytes: include_bytes!(concat!("../../../data/", $folder, $file)) }),*]
    };
}

/// Two photographs and two paintings.
pub const EXAMPLES: &[Example] = examples![
    "content/" "chelsea.jpg"
    "content/" "coffee.jpg"
    "style/" "starry_night.jpg"
    "style/" "great_wave.jpg"
];

/// Those that are on the desk at the first start.
pub const FIRST: [&str; 2] = ["chelsea.jpg", "starry_night.jpg"];
