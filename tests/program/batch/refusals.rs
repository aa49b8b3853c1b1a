//! Lists and folders that `impasto batch` refuses.

use super::{QUICK_KEYS, pictures};

/// A job of a list, with more lines.
fn job(output: &str, more: &str) -> String {
    format!(
        "[[job]]\ncontent = 'photos/cat.jpg'\nstyle = 'paintings/wave.jpg'\noutput = '{output}'\n{more}\n"
    )
}

fn good_job() -> String {
    job("out/a.png", QUICK_KEYS)
}

/// Checks that each of these lists is refused as a whole, for its reason.
fn check_refusals(cases: &[(String, &str)]) {
    let place = pictures();
    for (list, trouble) in cases {
        place.write("jobs.toml", list);
        let line = place.refusal(place.impasto("batch jobs.toml"));
        assert!(line.starts_with("error: jobs.toml: "), "{list}: {line}");
        assert!(line.contains(trouble), "{list}: {line}, not {trouble}");
    }
}

#[test]
fn a_list_that_cannot_be_read_is_refused() {
    let good = good_job();
    check_refusals(&[
        (String::new(), "there are no jobs in it"),
        ("[[job]".to_owned(), "line 1: "),
        (
            "job = 3".to_owned(),
            "line 1: job: a list has one [defaults]",
        ),
        ("job = [3]".to_owned(), "line 1: not a job"),
        (
            "sise = 3\n".to_owned() + &good,
            "line 1: sise: a list has one [defaults]",
        ),
    ]);
}

#[test]
fn a_job_with_wrong_or_missing_keys_is_refused() {
    let good = good_job();
    check_refusals(&[
        (
            good.clone() + &job("out/b.png", "sice = 3"),
            "line 14, job 2: unknown field `sice`; a job has content, style",
        ),
        (
            job("out/a.png", "iterations = 'many'"),
            "line 5, job 1: invalid type",
        ),
        (
            job("out/a.png", "size = '0'"),
            "line 5, job 1: write pixels, from 1 to 32768",
        ),
        (good.replace("'photos/cat.jpg'", "3"), "line 2, job 1: "),
        (
            good.replace("'paintings/wave.jpg'", "[3]"),
            "line 3, job 1: expected the name of a file, or a list of names",
        ),
        (
            good.replace("'paintings/wave.jpg'", "[]"),
            "line 1, job 1: style is missing",
        ),
        (
            good.replace("content =", "init ="),
            "line 1, job 1: content is missing",
        ),
        (
            good.replace("output =", "init ="),
            "line 1, job 1: output is missing",
        ),
    ]);
}

#[test]
fn wrong_defaults_are_refused() {
    let good = good_job();
    check_refusals(&[
        (
            "[defaults]\noutput = 'a.png'\n".to_owned() + &good,
            "line 1, defaults: output: all jobs would write one file",
        ),
        (
            "[defaults]\nsice = 3\n".to_owned() + &good,
            "line 2, defaults: unknown field `sice`",
        ),
    ]);
}

#[test]
fn jobs_whose_files_are_missing_or_collide_are_refused() {
    let good = good_job();
    check_refusals(&[
        (
            good.clone() + &good.replace("cat", "dog").replace("/a", "/b"),
            "line 10, job 2: photos/dog.jpg: there is no such file",
        ),
        (
            good.clone() + &good.replace("photos/cat.jpg", "photos"),
            "line 10, job 2: photos: not a file",
        ),
        (
            good.clone() + &good,
            "line 10, job 2: out/a.png: another job writes this file too (jobs.toml: line 1, job 1)",
        ),
        (
            good.clone() + &good.replace("out/", "./out/.//"),
            "another job writes this file too",
        ),
        (
            good.clone() + &job("photos/cup.png", "init = 'out/a.png'"),
            "out/a.png: ",
        ),
        (
            good.clone() + &job("photos/cat.jpg", ""),
            "line 10, job 2: photos/cat.jpg: it would replace a file that is read",
        ),
        // The batch would create this folder, and then find the photograph beside it.
        (
            good.clone() + &job("new/../photos/cat.jpg", ""),
            "line 10, job 2: new/../photos/cat.jpg: it would replace a file that is read",
        ),
        (
            good.clone() + &good.replace("out/", "new/deeper/../../out/"),
            "another job writes this file too",
        ),
        (
            job("out/a.xyz", ""),
            "line 1, job 1: out/a.xyz: the file extension decides the format",
        ),
    ]);
}

#[test]
fn a_job_whose_settings_do_not_fit_is_refused() {
    check_refusals(&[
        (
            job("out/a.png", "style-blend = [1.0, 2.0]"),
            "line 1, job 1: style-blend has 2 numbers for 1",
        ),
        (
            job("out/a.png", "learning-rate = -1.0"),
            "line 1, job 1: learning-rate must be above 0, not -1",
        ),
        (
            job("out/a.png", "style-layers = { conv9_1 = 1 }"),
            "line 1, job 1: VGG-16 has no layer \"conv9_1\"",
        ),
        (
            job("out/a.png", "preset = 'cubist'"),
            "line 1, job 1: preset: cubist: no such file",
        ),
        (
            job("out/a.png", "content-mask = ['photos/cat.jpg', 'rest']"),
            "line 1, job 1: --content-mask: 2 for 1",
        ),
        (
            job("out/a.png", "protect = 'photos/none.png'"),
            "photos/none.png",
        ),
        (
            job("paintings/night.jpg", "protect = 'paintings/night.jpg'"),
            "paintings/night.jpg: it would replace a file that is read",
        ),
    ]);
}

#[test]
fn a_file_that_is_not_a_list_is_refused() {
    let place = pictures();
    let line = place.refusal(place.impasto("batch missing.toml"));
    assert!(
        line.contains("missing.toml: there is no such file"),
        "{line}"
    );
    let line = place.refusal(place.impasto("batch photos"));
    assert!(
        line.contains("photos: not a file; name a list of jobs"),
        "{line}"
    );
}

#[test]
fn options_that_do_not_fit_a_batch_are_refused() {
    let place = pictures();
    place.write("jobs.toml", good_job());
    let line = place.refusal(place.impasto("batch jobs.toml --save-settings all.toml"));
    assert!(line.contains("--save-settings is for one run"), "{line}");
    let line = place.refusal(place.impasto("batch jobs.toml --weights none.pth"));
    assert!(line.contains("none.pth"), "{line}");
}

#[test]
fn wrong_folders_are_refused() {
    let place = pictures();
    std::fs::create_dir(place.path("empty")).unwrap();
    for (arguments, trouble) in [
        (
            "--contents empty --styles paintings -o out",
            "empty: there are no pictures in this folder",
        ),
        (
            "--contents photos --styles empty -o out",
            "empty: there are no pictures in this folder",
        ),
        (
            "--contents nowhere --styles paintings -o out",
            "nowhere: there is no such folder",
        ),
        (
            "--contents photos --styles paintings -o photos",
            "photos: what is painted there would be taken",
        ),
    ] {
        let line = place.refusal(place.impasto(&format!("batch {arguments}")));
        assert!(line.contains(trouble), "{line}");
    }
    // Two photographs that would be painted into one file.
    std::fs::copy(place.path("photos/cat.jpg"), place.path("photos/cat.png")).unwrap();
    let line = place.refusal(place.impasto("batch --contents photos --styles paintings -o out"));
    let both = "photos/cat.png in the style of paintings/night.jpg: out/cat_night.png: another job writes this file too \
                (photos/cat.jpg in the style of paintings/night.jpg)";
    assert!(line.contains(both), "{line}");
}
