//! `impasto completions` and `impasto man`.

use crate::workplace::{Workplace, printed};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

#[test]
fn every_shell_gets_completions_with_all_commands() {
    let place = Workplace::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(place.impasto(&format!("completions {shell}")));
        for word in [
            "stylize",
            "texture",
            "weights",
            "convert",
            "original-colors",
        ] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    let refused = place.impasto("completions tcsh").assert().code(2);
    let message = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(
        message.contains("tcsh") && message.contains("zsh"),
        "{message}"
    );
}

#[test]
fn every_command_has_a_manual_page_and_every_page_that_is_named_exists() {
    let place = Workplace::new();
    place.impasto("man pages").assert().success();
    let entries = fs::read_dir(place.path("pages")).unwrap();
    let files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    let stem = |file: &PathBuf| file.file_stem().unwrap().to_string_lossy().into_owned();
    let pages: BTreeSet<String> = files.iter().map(stem).collect();
    for page in ["impasto", "impasto-stylize", "impasto-weights-convert"] {
        assert!(pages.contains(page), "{pages:?}");
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap().replace('\\', "");
        assert!(text.contains(".SH NAME"), "{}", file.display());
        for named in text
            .split_whitespace()
            .filter_map(|word| word.strip_suffix("(1)"))
        {
            assert!(pages.contains(named), "{}: {named}", file.display());
        }
    }
    let page = fs::read_to_string(place.path("pages/impasto.1")).unwrap();
    assert!(
        page.contains(".SH EXAMPLES") && page.contains(".SH \"EXIT STATUS\""),
        "{page}"
    );
}

#[test]
fn manual_pages_are_the_same_each_time_and_do_not_replace_a_file() {
    let place = Workplace::new();
    place.impasto("man once").assert().success();
    place.impasto("man again").assert().success();
    let read = |folder: &str| fs::read(place.path(folder).join("impasto-stylize.1")).unwrap();
    assert_eq!(read("once"), read("again"));
    fs::write(place.path("file"), "mine").unwrap();
    let line = place.refusal(place.impasto("man file"));
    assert!(
        line.contains("file") && line.contains("name a folder"),
        "{line}"
    );
    assert_eq!(fs::read_to_string(place.path("file")).unwrap(), "mine");
}
