//! Reads the book's text: its formulas, its numbers, and what it refers to.

use anyhow::{Context, Result};
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag};
use pulldown_latex::config::DisplayMode;
use pulldown_latex::{RenderConfig, Storage, push_mathml};
use regex::{Captures, Regex};
use std::sync::LazyLock;

static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{\{number ([^}]+)\}\}").unwrap());

/// The Markdown of mdBook, with formulas.
const OPTIONS: Options = Options::ENABLE_MATH
    .union(Options::ENABLE_TABLES)
    .union(Options::ENABLE_FOOTNOTES)
    .union(Options::ENABLE_STRIKETHROUGH);

/// Replaces each `{{number NAME}}` by what `find` returns for the name.
///
/// # Errors
/// Those of `find`.
pub fn replace_numbers<'a>(text: &str, find: impl Fn(&str) -> Result<&'a str>) -> Result<String> {
    for found in NUMBER.captures_iter(text) {
        find(found[1].trim())?;
    }
    let replaced = NUMBER.replace_all(text, |found: &Captures| {
        find(found[1].trim()).unwrap_or_default()
    });
    Ok(replaced.into_owned())
}

/// Moves code between ``` to the left as far as it goes: an excerpt of a function is indented as it is there.
pub fn dedent_code(text: &str) -> String {
    let parts = text.split("\n```");
    let dedented = parts.enumerate().map(|(place, part)| match place % 2 {
        0 => part.to_owned(),
        _ => dedent(part),
    });
    dedented.collect::<Vec<_>>().join("\n```")
}

/// The first line names the language.
fn dedent(code: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines = code.lines().skip(1).filter(|line| !line.trim().is_empty());
    let shift = lines.map(indent).min().unwrap_or(0);
    let lines = code.lines().enumerate();
    let lines = lines.map(|(place, line)| match place {
        0 => line,
        _ => line.get(shift..).unwrap_or(""),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The names of the numbers in a text.
pub fn numbers(text: &str) -> Vec<String> {
    let found = NUMBER.captures_iter(text);
    found.map(|found| found[1].trim().to_owned()).collect()
}

/// Replaces formulas in LaTeX, `$…$` within a line and `$$…$$` on lines of their own, by MathML.
///
/// # Errors
/// If a formula is wrong.
pub fn replace_formulas(text: &str) -> Result<String> {
    let mut replaced = String::with_capacity(text.len());
    let mut done = 0;
    for (event, range) in Parser::new_ext(text, OPTIONS).into_offset_iter() {
        let (latex, mode) = match event {
            Event::InlineMath(latex) => (latex, DisplayMode::Inline),
            Event::DisplayMath(latex) => (latex, DisplayMode::Block),
            _ => continue,
        };
        replaced.push_str(&text[done..range.start]);
        replaced.push_str(&mathml(&latex, mode)?);
        done = range.end;
    }
    replaced.push_str(&text[done..]);
    Ok(replaced)
}

/// A formula as MathML, in one line, since Markdown ends HTML at an empty one.
fn mathml(latex: &str, display_mode: DisplayMode) -> Result<String> {
    let storage = Storage::new();
    let events = pulldown_latex::Parser::new(latex, &storage);
    let events: Result<Vec<_>, _> = events.collect();
    let events = events.with_context(|| format!("the formula {latex}"))?;
    let mut text = String::new();
    let config = RenderConfig {
        display_mode,
        ..RenderConfig::default()
    };
    let events = events.into_iter().map(Ok::<_, std::convert::Infallible>);
    push_mathml(&mut text, events, config)?;
    // XML knows neither.
    let text = text
        .replace("&nbsp;", "\u{a0}")
        .replace("<mo><</mo>", "<mo>&lt;</mo>");
    // For some LaTeX, such as `\big`, the library writes tags that no browser understands.
    roxmltree::Document::parse(&text).with_context(|| format!("the formula {latex} as MathML"))?;
    Ok(text.replace('\n', " "))
}

/// Where the links and pictures of a text lead to, as they are written.
pub fn links(text: &str) -> Vec<String> {
    let links = Parser::new_ext(text, OPTIONS).filter_map(|event| match event {
        Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => Some(dest_url),
        _ => None,
    });
    links.map(CowStr::into_string).collect()
}

/// The anchors of the headings of a text, as mdBook and others make them: `#several-machines` of "Several machines".
pub fn heading_anchors(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let mut heading: Option<String> = None;
    for event in Parser::new_ext(text, OPTIONS) {
        match (event, &mut heading) {
            (Event::Start(Tag::Heading { .. }), _) => heading = Some(String::new()),
            (Event::Text(text) | Event::Code(text), Some(heading)) => heading.push_str(&text),
            (Event::End(pulldown_cmark::TagEnd::Heading(_)), _) => {
                let title = heading.take().unwrap_or_default().to_lowercase();
                let letters = title.chars().filter_map(|c| match c {
                    c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                    c if c.is_whitespace() => Some('-'),
                    _ => None,
                });
                anchors.push(letters.collect());
            }
            _ => {}
        }
    }
    anchors
}

/// What a text includes with `{{#include FILE:ANCHOR}}` or `{{#rustdoc_include …}}`: files and anchors.
pub fn includes(text: &str) -> Vec<(String, Option<String>)> {
    static INCLUDE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\{\{#(?:rustdoc_)?include ([^:}\s]+)(?::([^}\s]+))?\s*\}\}").unwrap()
    });
    let found = INCLUDE.captures_iter(text);
    found
        .map(|found| {
            (
                found[1].to_owned(),
                found.get(2).map(|anchor| anchor.as_str().to_owned()),
            )
        })
        .collect()
}
