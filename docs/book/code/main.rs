//! Draws the figures of the book.

fn main() {}
