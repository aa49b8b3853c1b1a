//! The preprocessor of mdBook: it reads the book as JSON, and writes it with numbers and formulas in place.

use crate::drawings::Numbers;
use crate::markdown::{dedent_code, replace_formulas, replace_numbers};
use anyhow::{Context, Result};
use mdbook_preprocessor::book::{Book, Chapter};
use mdbook_preprocessor::parse_input;
use std::io::{stdin, stdout};

/// Preprocesses the book at the standard input.
///
/// # Errors
/// If a formula is wrong, or a number is not measured.
pub fn run() -> Result<()> {
    let (context, mut book) = parse_input(stdin())?;
    let numbers = Numbers::read(&context.root.join("src/drawn"))?;
    let mut result = Ok(());
    Book::for_each_chapter_mut(&mut book, |chapter| {
        if let Err(error) = preprocess(chapter, &numbers)
            && result.is_ok()
        {
            result = Err(error);
        }
    });
    result?;
    serde_json::to_writer(stdout(), &book)?;
    Ok(())
}

fn preprocess(chapter: &mut Chapter, numbers: &Numbers) -> Result<()> {
    let name = chapter.name.clone();
    let text = replace_numbers(&dedent_code(&chapter.content), |name| numbers.get(name));
    chapter.content = (text.and_then(|text| replace_formulas(&text)))
        .with_context(|| format!("the chapter {name}"))?;
    Ok(())
}
