//! The pages that `--report` writes.

use crate::workplace::Workplace;
use base64::prelude::{BASE64_STANDARD, Engine};
use sha2::{Digest, Sha256};

/// A page that `--report` wrote. It is checked to be whole by itself, and to run nothing.
pub fn page(place: &Workplace, name: &str) -> String {
    let page = std::fs::read_to_string(place.path(name)).unwrap();
    let values = |attribute: &str| {
        let parts = page.split(attribute).skip(1);
        let values = parts.map(|part| part.split('"').next().unwrap().to_owned());
        values.collect::<Vec<_>>()
    };
    let pictures = values("src=\"");
    let embedded = |uri: &String| uri.starts_with("data:image/jpeg;base64,");
    assert!(!pictures.is_empty() && pictures.iter().all(embedded));
    assert!(values("href=\"").iter().all(|link| link.starts_with('#')));
    assert_eq!(values("alt=\"").len(), pictures.len());
    for outside in [
        "http:",
        "https:",
        "url(",
        "@import",
        "<script",
        "<link",
        " style=\"",
    ] {
        assert!(!page.contains(outside), "{outside} in {name}");
    }
    // Browsers use the style sheet only if the policy has its hash.
    let style = page.split_once("<style>").unwrap().1;
    let style = style.split_once("</style>").unwrap().0;
    let hash = BASE64_STANDARD.encode(Sha256::digest(style));
    let policy = format!(
        "http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; img-src data:; "
    );
    assert!(page.contains(&policy));
    let folder = place.path("");
    let folder = folder.to_str().unwrap().trim_end_matches('/');
    assert!(!page.contains(folder) && !page.contains(env!("CARGO_MANIFEST_DIR")));
    page
}
