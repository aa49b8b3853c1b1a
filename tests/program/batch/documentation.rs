//! The examples of docs/book/src/use/batch.md.
#![cfg(unix)]

use super::{QUICK, files, pictures};
use crate::workplace::data;
use std::path::Path;
use std::process::Command;

/// The code blocks of docs/book/src/use/batch.md in this language.
#[cfg(unix)]
fn examples(language: &str) -> Vec<String> {
    let page = std::fs::read_to_string(data("../docs/book/src/use/batch.md")).unwrap();
    let blocks = page.split("```");
    let blocks = blocks.filter_map(|block| block.strip_prefix(&format!("{language}\n")));
    blocks.map(str::to_owned).collect()
}

/// The Slurm script of the documentation paints its list in eight parts.
#[cfg(unix)]
#[test]
fn the_examples_of_the_documentation_work() {
    let place = pictures();
    std::fs::rename(place.path("photos/cup.jpg"), place.path("photos/dog.jpg")).unwrap();
    let list = examples("toml").remove(0);
    place.write("jobs.toml", list);
    let scripts = examples("sh");
    let script = scripts
        .iter()
        .find(|script| script.contains("#SBATCH"))
        .unwrap();
    // With options that make it quick, and otherwise as it is in the documentation.
    let script = script.replace("jobs.toml", &format!("jobs.toml {QUICK}"));
    let program = Path::new(env!("CARGO_BIN_EXE_impasto")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    for (part, painted) in [("1", 1), ("2", 1), ("8", 0), ("1", 0)] {
        let run = Command::new("bash")
            .args(["-c", &script])
            .current_dir(place.path(""))
            .env("PATH", &path)
            .env("SLURM_ARRAY_TASK_ID", part)
            .env("SLURM_CPUS_PER_TASK", "1")
            .env_remove("IMPASTO_WEIGHTS")
            .output()
            .unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        assert!(run.status.success(), "{said}");
        let end = said.lines().last().unwrap();
        assert!(end.starts_with(&format!("{painted} painted, ")), "{said}");
    }
    assert_eq!(files(&place.path("painted")), ["cat.png", "dog.jpg"]);
}
