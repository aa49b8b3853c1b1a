//! What the book is built with: each chapter's module draws its figures and measures its numbers by running the program's own code,
//! and a preprocessor of mdBook puts the numbers into the text and sets the formulas.

pub mod chapters;
mod charts;
pub mod drawings;
mod figure;
pub mod markdown;
mod numbers;
pub mod preprocess;
mod sketches;
