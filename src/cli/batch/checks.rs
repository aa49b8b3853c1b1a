//! Checks of a whole batch before anything is painted.

use super::task::Task;
use crate::cli::paint::paths::canonical;
use crate::cli::request::embedded::output_file;
use crate::files::picture::EXTENSIONS;
use crate::files::weights::Weights;
use crate::painting::Stylization;
use anyhow::{anyhow, ensure};
use std::collections::HashMap;
use std::path::Path;

/// Checks the settings of a task, as far as that is possible without its pictures.
///
/// # Errors
/// Which setting is wrong.
pub fn settings(task: &Task, weights: &Weights) -> anyhow::Result<()> {
    let request = &task.request;
    let stylization = Stylization::new(request.placeholders()?);
    stylization.settings(request.settings.clone()).check()?;
    Ok(request.settings.check_layers(weights)?)
}

/// Checks that a task's picture can be written.
///
/// # Errors
/// Why not.
pub fn output(task: &Task) -> anyhow::Result<()> {
    output_file(&task.request).map(drop)
}

/// Checks that all pictures exist, that no two tasks write the same file, and that none writes what another reads.
///
/// # Errors
/// Which task, which file, and what is wrong with it.
pub fn files(tasks: &[Task], weights: Option<&Path>) -> anyhow::Result<()> {
    let mut readers = readers(tasks)?;
    if let Some(file) = weights {
        readers.entry(canonical(file)).or_insert("the weights");
    }
    let mut written = HashMap::new();
    for Task { name, request } in tasks {
        let output = &request.files.output;
        let (path, shown) = (canonical(output), output.display());
        if let Some(other) = readers.get(&path) {
            return Err(anyhow!(
                "{name}: {shown}: it would replace a file that is read ({other}); name another"
            ));
        }
        if let Some(other) = written.insert(path, name) {
            return Err(anyhow!(
                "{name}: {shown}: another job writes this file too ({other}); name another, or rename one of the pictures"
            ));
        }
        let ending = output.extension().and_then(|ending| ending.to_str());
        let ending = ending.unwrap_or_default().to_ascii_lowercase();
        ensure!(
            EXTENSIONS.contains(&ending.as_str()),
            "{name}: {shown}: the file extension decides the format; use one of {}",
            EXTENSIONS.join(", ")
        );
    }
    Ok(())
}

/// Checks that a page about the tasks would not replace a file that one of them reads or writes, or one of these that are `read`.
///
/// # Errors
/// If it would.
pub fn report(file: &Path, tasks: &[Task], read: &[Option<&Path>]) -> anyhow::Result<()> {
    let (path, shown) = (canonical(file), file.display());
    let inputs = tasks.iter().flat_map(|task| task.request.inputs());
    let mut read = inputs.chain(read.iter().copied().flatten());
    ensure!(
        !read.any(|file| canonical(file) == path),
        "{shown}: --report would replace a file that is read; name another"
    );
    let mut written = tasks.iter().map(|task| &task.request.files.output);
    ensure!(
        !written.any(|file| canonical(file) == path),
        "{shown}: --report would replace another file of this run; name another"
    );
    Ok(())
}

/// Each file that is read, and the name of a task that reads it.
fn readers(tasks: &[Task]) -> anyhow::Result<HashMap<std::path::PathBuf, &str>> {
    let (mut seen, mut readers) = (HashMap::new(), HashMap::new());
    for Task { name, request } in tasks {
        for file in request.inputs() {
            let shown = file.display();
            if !seen.contains_key(file) {
                ensure!(file.exists(), "{name}: {shown}: there is no such file");
                ensure!(
                    file.is_file(),
                    "{name}: {shown}: not a file; name a picture file"
                );
                seen.insert(file, canonical(file));
            }
            readers.insert(seen[file].clone(), name.as_str());
        }
    }
    Ok(readers)
}
