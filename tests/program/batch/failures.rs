//! Jobs that fail, and batches that are interrupted and continued.

use super::{QUICK, batch, files, pictures};
#[cfg(unix)]
use super::{QUICK_KEYS, stylized, summary};
#[cfg(unix)]
use crate::processes::{Process, wait_for};
#[cfg(unix)]
use crate::workplace::Workplace;

#[test]
fn a_failed_job_is_reported_and_the_next_one_is_painted() {
    let place = pictures();
    let whole = std::fs::read(place.path("photos/cat.jpg")).unwrap();
    place.write("photos/cow.jpg", &whole[..whole.len() / 2]);
    std::fs::remove_file(place.path("paintings/wave.jpg")).unwrap();
    let arguments = format!("--contents photos --styles paintings -o out {QUICK}");
    for (quiet, painted, skipped) in [("", 2, 0), ("-q", 0, 2)] {
        let (code, said) = batch(&place, &format!("{arguments} {quiet}"));
        assert_eq!(code, 1, "{said}");
        let failed = "job 2 of 3: out/cow_night.png: failed: content picture: photos/cow.jpg: ";
        assert_eq!(said.matches(failed).count(), 1, "{said}");
        let end = format!("{painted} painted, {skipped} skipped, 1 failed: out/cow_night.png\n");
        assert!(said.ends_with(&end), "{said}");
        assert_eq!(
            files(&place.path("out")),
            ["cat_night.png", "cup_night.png"]
        );
    }
}

#[test]
fn an_infinite_loss_leaves_no_picture() {
    let place = pictures();
    let arguments = format!(
        "--contents photos --styles paintings -o out {QUICK} --style-loss gram --style-weight 1e38 --optimizer lbfgs --learning-rate 1e30"
    );
    let (code, said) = batch(&place, &arguments);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no longer a finite number"), "{said}");
    assert!(files(&place.path("out")).is_empty());
}

/// Writes a list of a short job, a longer one and a short one.
#[cfg(unix)]
fn long_list(place: &Workplace, iterations: usize) {
    let job = |output: &str, iterations: usize| {
        format!(
            "[[job]]\ncontent = 'photos/cat.jpg'\noutput = 'out/{output}.png'\niterations = {iterations}\n"
        )
    };
    let keys = QUICK_KEYS.replace("iterations = 2\n", "optimizer = 'lbfgs'\n");
    let jobs = [job("a", 2), job("b", iterations), job("c", 2)].concat();
    let list = format!("[defaults]\nstyle = 'paintings/night.jpg'\n{keys}{jobs}");
    place.write("jobs.toml", list);
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_no_unfinished_picture() {
    let place = pictures();
    long_list(&place, 1_000_000);
    let run = Process::start(&place, ["batch"], "jobs.toml");
    wait_for("the first job", || {
        place.path("out/.impasto/a.png.json").exists()
    });
    run.send("-INT");
    let (code, said) = run.end();
    assert_eq!(code, Some(130), "{said}");
    assert!(
        said.contains("ending after this iteration, and the same command continues later"),
        "{said}"
    );
    assert!(
        said.ends_with("\n1 painted, 0 skipped, 0 failed, 2 left\n"),
        "{said}"
    );
    assert_eq!(files(&place.path("out")), ["a.png"]);
    long_list(&place, 3);
    assert_eq!(
        summary(&place, "jobs.toml"),
        "2 painted, 1 skipped, 0 failed"
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_job_continues_and_ends_with_the_same_bytes() {
    let options = QUICK.replace("--iterations 2", "--iterations 150 --optimizer lbfgs");
    for signal in ["-INT", "-KILL"] {
        let place = pictures();
        long_list(&place, 150);
        let run = Process::start(&place, ["batch"], "jobs.toml --checkpoint-every 1");
        wait_for("two checkpoints of the second job", || {
            place
                .path("out/.impasto/b.png.checkpoint.previous")
                .exists()
        });
        run.send(signal);
        let (code, said) = run.end();
        assert_eq!(code, (signal == "-INT").then_some(130), "{said}");
        assert_eq!(files(&place.path("out")), ["a.png"]);
        let (code, said) = batch(&place, "jobs.toml --checkpoint-every 20");
        assert_eq!(code, 0, "{said}");
        assert!(
            said.starts_with("job 2 of 3: out/b.png\ncontinuing after iteration "),
            "{said}"
        );
        assert!(
            said.ends_with("\n2 painted, 1 skipped, 0 failed\n"),
            "{said}"
        );
        let single = stylized(&place, "photos/cat.jpg paintings/night.jpg", &options);
        assert!(place.pixels("out/b.png") == single);
        let mut kept: Vec<_> = (place.path("out/.impasto").read_dir().unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.starts_with(".impasto-"))
            .collect();
        kept.sort();
        assert_eq!(kept, ["a.png.json", "b.png.json", "c.png.json"]);
    }
}

#[cfg(unix)]
#[test]
fn a_checkpoint_of_other_settings_is_not_continued() {
    let place = pictures();
    long_list(&place, 1_000_000);
    let run = Process::start(&place, ["batch"], "jobs.toml --checkpoint-every 1");
    wait_for("two checkpoints of the second job", || {
        place
            .path("out/.impasto/b.png.checkpoint.previous")
            .exists()
    });
    run.send("-INT");
    run.end();
    long_list(&place, 3);
    let (code, said) = batch(&place, "jobs.toml --checkpoint-every 1");
    assert_eq!(code, 0, "{said}");
    let warning = "warning: out/.impasto/b.png.checkpoint: of other pictures or settings, or begun in another folder; this picture is begun anew";
    assert!(said.contains(warning), "{said}");
    let options = QUICK.replace("--iterations 2", "--iterations 3 --optimizer lbfgs");
    let single = stylized(&place, "photos/cat.jpg paintings/night.jpg", &options);
    assert!(place.pixels("out/b.png") == single);
}
