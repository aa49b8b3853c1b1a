//! The public items of the crate stand in a list, so that none appears, changes or vanishes unnoticed.

mod listing;
mod macros;
mod source;
mod text;

use source::Source;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What the list begins with.
const HEADER: &str = "\
# The public items of the crate with all its features, on any machine, as `cargo test --test api` finds them in the source.
# `UPDATE_API=1 cargo test --test api` writes this file.
#
# An item that users find under several paths is listed under the shortest, and `use` lines have the others. A `{ … }` or `= …`
# is what a trait provides, and an enum with `{ more to come }` is `#[non_exhaustive]`. Derived traits stand beside written ones,
# and items that macros define beside others. What is hidden in the documentation is for the tests and the book of this project,
# and is not listed.
";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).into()
}

fn public_items() -> Vec<String> {
    let source = Source::of_files(&folder().join("src/lib.rs"));
    listing::lines(&source, "impasto")
}

/// The lines of a source text whose modules are written inside.
fn lines_of(text: &str) -> Vec<String> {
    listing::lines(&Source::of_text(text, Path::new("")), "paint")
}

/// Writes a file that is either as before or complete at any time.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, text)?;
    fs::rename(unfinished, path)
}

/// The lines that one list lacks, with + before them, and those that it has alone, with −; nothing if the lists are equal.
fn difference(listed: &[String], found: &[String]) -> Vec<String> {
    let set = |lines: &[String]| lines.iter().cloned().collect::<BTreeSet<_>>();
    let (listed_set, found_set) = (set(listed), set(found));
    let gone = listed.iter().filter(|&line| !found_set.contains(line));
    let new = found.iter().filter(|&line| !listed_set.contains(line));
    let gone = gone.map(|line| format!("− {line}"));
    gone.chain(new.map(|line| format!("+ {line}"))).collect()
}

#[test]
fn the_public_items_are_those_of_the_list() {
    let path = folder().join("tests/api/public.txt");
    let found = public_items();
    if env::var_os("UPDATE_API").is_some_and(|value| value == "1") {
        let text = format!("{HEADER}\n{}\n", found.join("\n"));
        write_whole(&path, &text).expect("the list can be written");
    }
    let text = fs::read_to_string(&path).expect("there is a list");
    let is_item = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let listed: Vec<_> = text.lines().filter(is_item).map(String::from).collect();
    let difference = difference(&listed, &found);
    assert!(
        difference.is_empty(),
        "the public items are not those of tests/api/public.txt:\n\n{}\n\n\
         If this is meant, accept it with: UPDATE_API=1 cargo test --test api\n",
        difference.join("\n")
    );
    assert_eq!(
        listed, found,
        "tests/api/public.txt is not sorted as the list is"
    );
}

#[test]
fn every_public_module_has_something_public_in_it() {
    let lines = public_items();
    for module in lines.iter().filter_map(|line| line.strip_prefix("mod ")) {
        let inside = format!(" {module}::");
        assert!(
            lines.iter().any(|line| line.contains(&inside)),
            "{module} is public, but it has nothing public in it"
        );
    }
}

/// A crate with something of everything.
const SAMPLE: &str = r#"
    mod hidden {
        /// A brush.
        #[derive(Clone, Debug)]
        pub struct Brush<T: Copy> { pub width: T, hairs: u32 }
        impl<T: Copy> Brush<T> {
            pub const WIDEST: u32 = 9;
            #[doc(hidden)] pub fn bristles(&self) {}
            pub fn new(mut width: T, hairs: u32) -> Self where T: Send { todo!() }
            fn count(&self) -> u32 { self.hairs }
        }
        impl<T: Copy> super::tools::Tool<T> for Brush<T> { type Paint = Vec<T>; fn wet(&self) {} }
        impl Secret for Brush<u8> {}
        pub struct Unreachable;
        impl Unreachable { pub fn new() -> Self { Self } }
        trait Secret {}
        pub fn wash(brush: &mut Brush<u8>) {}
    }
    pub mod tools {
        pub use super::hidden::Brush;
        pub trait Tool<T>: Send { const KIND: u8 = 1; type Paint: Copy; fn wet(&self); fn dry(&self) {} }
        impl<T> Tool<T> for u8 { }
        macro_rules! colors {
            ($($(#[doc = $doc:literal])* $name:ident = $number:expr),*) => {
                #[non_exhaustive] pub enum Color { $($(#[doc = $doc])* $name,)* Mixed(f32, f32), Other { name: String } }
                impl Color { pub const ALL: &[u8] = &[$($number),*]; }
            };
        }
        colors! {
            /// Warm.
            Red = 1 + 1,
            Blue = 3
        }
    }
    pub use hidden::wash as clean;
    pub use tools::*;
    pub use elsewhere::Canvas;
    pub static SIZES: [u8; 2] = [1, 2];
    pub(crate) fn inside() {}
    #[doc(hidden)]
    pub mod workshop { pub fn bench() {} }
    #[cfg(feature = "more")]
    pub type Pair<T> = (T, T);
    #[cfg(test)]
    pub mod tests {}
"#;

#[test]
fn the_list_has_everything_public_and_nothing_else() {
    let expected = "\
        struct paint::Brush<T: Copy> { private fields }
        impl Clone, Debug for paint::Brush
        impl<T: Copy> Tool<T> for paint::Brush<T> { type Paint = Vec<T> }
        impl<T: Copy> paint::Brush<T>
        const paint::Brush::WIDEST: u32
        fn paint::Brush::new(width: T, hairs: u32) -> Self where T: Send
        field paint::Brush::width: T
        use paint::Canvas = elsewhere::Canvas
        enum paint::Color { more to come }
        const paint::Color::ALL: &[u8]
        variant paint::Color::Blue
        variant paint::Color::Mixed(f32, f32)
        variant paint::Color::Other { name: String }
        variant paint::Color::Red
        type paint::Pair<T> = (T, T)
        static paint::SIZES: [u8; 2]
        trait paint::Tool<T>: Send
        impl<T> Tool<T> for u8
        const paint::Tool::KIND: u8 = …
        type paint::Tool::Paint: Copy
        fn paint::Tool::dry(&self) { … }
        fn paint::Tool::wet(&self)
        fn paint::clean(brush: &mut Brush<u8>)
        mod paint::tools
        use paint::tools::Brush = paint::Brush
        use paint::tools::Color = paint::Color
        use paint::tools::Tool = paint::Tool";
    let expected: Vec<_> = expected.lines().map(str::trim).collect();
    assert_eq!(lines_of(SAMPLE), expected);
}

#[test]
fn an_item_that_is_gone_or_other_than_before_is_a_difference() {
    let before = lines_of(SAMPLE);
    let gone = SAMPLE.replace("pub use hidden::wash as clean;", "");
    assert_eq!(
        difference(&before, &lines_of(&gone)),
        ["− fn paint::clean(brush: &mut Brush<u8>)"]
    );
    let other = SAMPLE.replace("Blue = 3", "Green = 3");
    assert_eq!(
        difference(&before, &lines_of(&other)),
        [
            "− variant paint::Color::Blue",
            "+ variant paint::Color::Green"
        ]
    );
    assert!(difference(&before, &before).is_empty());
}
