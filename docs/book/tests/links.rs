//! Links, figures, included code and formulas: of the book, and of all other Markdown of the project.

use book::markdown::{heading_anchors, includes, links, replace_formulas};
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The folder of the project.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// All Markdown of the project.
fn pages() -> Vec<PathBuf> {
    let unwanted = |name: &str| {
        name.starts_with('.') || ["target", "node_modules", "html", "drawn", "out"].contains(&name)
    };
    let entries = WalkDir::new(root()).into_iter();
    let entries =
        entries.filter_entry(|e| e.depth() == 0 || !unwanted(&e.file_name().to_string_lossy()));
    let files = entries.map(|entry| entry.unwrap().into_path());
    let pages: Vec<_> = files
        .filter(|file| file.extension().is_some_and(|e| e == "md"))
        .collect();
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

fn book_folder() -> PathBuf {
    root().join("docs/book/src")
}

/// Applies `check` to every page and fails with all that it found.
fn check_pages(pages: Vec<PathBuf>, check: impl Fn(&Path, &str) -> Vec<String>) {
    let mut problems = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let name = page
            .strip_prefix(root())
            .unwrap_or(&page)
            .display()
            .to_string();
        problems.extend(
            check(&page, &text)
                .into_iter()
                .map(|problem| format!("{name}: {problem}")),
        );
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    check_pages(pages(), |page, text| {
        let links = links(text);
        links
            .iter()
            .filter_map(|link| broken(page, text, link))
            .collect()
    });
}

/// Why a link of a page leads nowhere, if so. Links to other sites are not tried. What the book draws is looked at by the test of
/// the figures.
fn broken(page: &Path, text: &str, link: &str) -> Option<String> {
    if link.contains("://") || link.starts_with("mailto:") || link.contains("drawn/") {
        return None;
    }
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() {
        page.to_owned()
    } else {
        page.parent().unwrap().join(file)
    };
    if !target.exists() {
        return Some(format!("{link}: there is no such file"));
    }
    let target = target.canonicalize().unwrap();
    let is_page = target
        .extension()
        .is_some_and(|extension| extension == "md");
    if is_page && page.starts_with(book_folder()) && !target.starts_with(book_folder()) {
        return Some(format!("{link}: mdBook would take this page for a chapter"));
    }
    if anchor.is_empty() || !is_page {
        return None;
    }
    let anchors = if file.is_empty() {
        heading_anchors(text)
    } else {
        heading_anchors(&fs::read_to_string(&target).unwrap())
    };
    (!anchors.iter().any(|a| a == anchor)).then(|| format!("{link}: there is no such heading"))
}

/// mdBook takes nothing, and says nothing, where an anchor is missing.
#[test]
fn every_included_file_has_the_anchor_and_something_after_it() {
    check_pages(book_pages(), |page, text| {
        let includes = includes(text);
        includes
            .iter()
            .filter_map(|(file, anchor)| missing(page, file, anchor.as_deref()))
            .collect()
    });
}

fn missing(page: &Path, file: &str, anchor: Option<&str>) -> Option<String> {
    if file.contains("drawn/") {
        return None;
    }
    let Ok(text) = fs::read_to_string(page.parent().unwrap().join(file)) else {
        return Some(format!("{file}: there is no such file"));
    };
    let anchor = anchor?;
    if anchor.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(format!("{file}:{anchor}: lines move; name an anchor"));
    }
    let ends_with = |mark: &str| {
        text.lines()
            .any(|line| line.trim_end().ends_with(&format!("{mark}: {anchor}")))
    };
    (!ends_with("ANCHOR") || !ends_with("ANCHOR_END"))
        .then(|| format!("{file}: there is no anchor {anchor}"))
}

#[test]
fn every_anchor_in_the_source_is_included_in_the_book() {
    let wanted: Vec<_> = book_pages()
        .iter()
        .flat_map(|page| includes(&fs::read_to_string(page).unwrap()))
        .filter_map(|(file, anchor)| Some((Path::new(&file).file_name()?.to_owned(), anchor?)))
        .collect();
    let mut unused = Vec::new();
    for folder in ["src", "examples", "exercises", "docs/book/code"] {
        for entry in WalkDir::new(root().join(folder)) {
            let file = entry.unwrap().into_path();
            if file.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            for line in fs::read_to_string(&file).unwrap().lines() {
                let Some(anchor) = line.trim().strip_prefix("// ANCHOR: ") else {
                    continue;
                };
                if !wanted
                    .iter()
                    .any(|(name, a)| Some(name.as_os_str()) == file.file_name() && a == anchor)
                {
                    unused.push(format!("{}: {anchor}", file.display()));
                }
            }
        }
    }
    assert!(
        unused.is_empty(),
        "no chapter includes {}",
        unused.join(", ")
    );
}

#[test]
fn every_formula_is_right() {
    check_pages(book_pages(), |_, text| match replace_formulas(text) {
        Ok(_) => Vec::new(),
        Err(error) => vec![format!("{error:#}")],
    });
}

#[test]
fn every_chapter_is_in_the_table_of_contents() {
    let summary = fs::read_to_string(book_folder().join("SUMMARY.md")).unwrap();
    let listed: Vec<_> = links(&summary)
        .iter()
        .map(|link| book_folder().join(link))
        .collect();
    let missing: Vec<_> = book_pages()
        .into_iter()
        .filter(|page| !page.ends_with("SUMMARY.md") && !listed.contains(page))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

fn book_pages() -> Vec<PathBuf> {
    let book = book_folder();
    pages()
        .into_iter()
        .filter(|page| page.starts_with(&book))
        .collect()
}
