//! `impasto batch`.

mod documentation;
mod failures;
mod painting;
mod refusals;
mod report;

use crate::workplace::{Workplace, data};
use std::path::Path;

/// Options that make a run quick.
pub const QUICK: &str = "--size 48 --iterations 2 --content-layers conv2_1 --style-layers conv1_1";

/// The same as keys of a list.
pub const QUICK_KEYS: &str =
    "size = 48\niterations = 2\ncontent-layers = { conv2_1 = 1 }\nstyle-layers = { conv1_1 = 1 }\n";

/// A folder with two photographs, and one with two paintings.
pub fn pictures() -> Workplace {
    let place = Workplace::new();
    for (from, to) in [
        ("content/chelsea.jpg", "photos/cat.jpg"),
        ("content/coffee.jpg", "photos/cup.jpg"),
        ("style/great_wave.jpg", "paintings/wave.jpg"),
        ("style/starry_night.jpg", "paintings/night.jpg"),
    ] {
        let to = place.path(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(data(from), to).unwrap();
    }
    place
}

/// The pixels that `impasto stylize` paints.
pub fn stylized(place: &Workplace, pictures: &str, options: &str) -> Vec<u8> {
    let arguments = format!("stylize {pictures} -o single.png {options}");
    place.impasto(&arguments).assert().success();
    let painted = place.pixels("single.png");
    std::fs::remove_file(place.path("single.png")).unwrap();
    painted
}

/// The names of the files in a folder, without hidden ones, in order.
pub fn files(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// Runs to the end: the exit code, and what was said.
pub fn batch(place: &Workplace, arguments: &str) -> (i32, String) {
    let output = place.impasto(&format!("batch {arguments}")).output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

/// The last line of a run that ends well.
pub fn summary(place: &Workplace, arguments: &str) -> String {
    let (code, said) = batch(place, arguments);
    assert_eq!(code, 0, "{said}");
    said.lines().last().unwrap().to_owned()
}
