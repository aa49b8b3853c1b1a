//! `impasto batch`, as a user runs it.

use crate::workplace::{Workplace, data};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What makes a run quick.
const QUICK: &str = "--size 48 --iterations 2 --content-layers conv2_1 --style-layers conv1_1";

/// The same in a list.
const QUICK_KEYS: &str =
    "size = 48\niterations = 2\ncontent-layers = { conv2_1 = 1 }\nstyle-layers = { conv1_1 = 1 }\n";

/// A folder with two photographs, and one with two paintings.
fn pictures() -> Workplace {
    let place = Workplace::new();
    for (from, to) in [
        ("content/chelsea.jpg", "photos/cat.jpg"),
        ("content/coffee.jpg", "photos/cup.jpg"),
        ("style/great_wave.jpg", "paintings/wave.jpg"),
        ("style/starry_night.jpg", "paintings/night.jpg"),
    ] {
        let to = place.path(to);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(data(from), to).unwrap();
    }
    place
}

/// The pixels: the files name their pictures as they were given.
fn bytes(place: &Workplace, name: &str) -> Vec<u8> {
    place.pixels(name)
}

/// What `impasto stylize` paints.
fn stylized(place: &Workplace, pictures: &str, options: &str) -> Vec<u8> {
    let arguments = format!("stylize {pictures} -o single.png {options}");
    place.impasto(&arguments).assert().success();
    let painted = bytes(place, "single.png");
    std::fs::remove_file(place.path("single.png")).unwrap();
    painted
}

/// The names of a folder's files but hidden ones, in order.
fn files(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// Runs to the end: the exit code, and what was said.
fn batch(place: &Workplace, arguments: &str) -> (i32, String) {
    let output = place.impasto(&format!("batch {arguments}")).output();
    let output = output.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), said)
}

/// The last line of a run that ends well.
fn summary(place: &Workplace, arguments: &str) -> String {
    let (code, said) = batch(place, arguments);
    assert_eq!(code, 0, "{said}");
    said.lines().last().unwrap().to_owned()
}

#[test]
fn each_photograph_is_painted_in_each_style_as_stylize_paints_it() {
    let place = pictures();
    place.write("photos/.hidden.jpg", "a file that some systems make");
    place.write("photos/notes.txt", "not a picture");
    let arguments = format!("--contents photos --styles paintings -o made/here --seed 3 {QUICK}");
    let (code, said) = batch(&place, &arguments);
    assert_eq!(code, 0, "{said}");
    let named = |number, file: &str| format!("job {number} of 4: made/here/{file}.png");
    let jobs: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("job "))
        .collect();
    let names = ["cat_night", "cat_wave", "cup_night", "cup_wave"];
    let expected: Vec<_> = (1..).zip(names).map(|(i, name)| named(i, name)).collect();
    assert_eq!(jobs, expected);
    assert!(
        said.ends_with("\n4 painted, 0 skipped, 0 failed\n"),
        "{said}"
    );
    let outputs = names.map(|name| format!("{name}.png"));
    assert_eq!(files(&place.path("made/here")), outputs);
    for name in names {
        let (photo, painting) = name.split_once('_').unwrap();
        let pictures = format!("photos/{photo}.jpg paintings/{painting}.jpg");
        let single = stylized(&place, &pictures, &format!("--seed 3 {QUICK}"));
        assert!(
            bytes(&place, &format!("made/here/{name}.png")) == single,
            "{name}"
        );
    }
    // Another format beside them, in silence.
    let (code, said) = batch(&place, &format!("{arguments} --format jpg -q"));
    assert_eq!((code, said.as_str()), (0, ""));
    assert_eq!(files(&place.path("made/here")).len(), 8);
}

#[test]
fn a_list_is_painted_with_what_the_job_the_defaults_and_the_options_say() {
    let place = pictures();
    std::fs::create_dir(place.path("lists")).unwrap();
    place.write("lists/max.toml", "pooling = 'max'\nseed = 8");
    place.write(
        "lists/jobs.toml",
        format!(
            "[defaults]\nstyle = '../paintings/wave.jpg'\nseed = 5\npreset = 'neural-style'\n{QUICK_KEYS}\
             [[job]]\ncontent = '../photos/cat.jpg'\noutput = '../out/a.png'\n\
             [[job]]\ncontent = '../photos/cup.jpg'\nstyle = ['../paintings/wave.jpg', '../paintings/night.jpg']\n\
             output = '../out/b.png'\niterations = 3\nstyle-blend = [3.0, 1.0]\nstyle-layers = {{ conv1_2 = 2.0 }}\n\
             [[job]]\ncontent = '../photos/cat.jpg'\noutput = '../out/c.png'\npreset = 'max.toml'\nsize = '40'\n\
             init = '../photos/cup.jpg'\n"
        ),
    );
    let (cat, cup) = ("photos/cat.jpg paintings/wave.jpg", "photos/cup.jpg");
    let quick = format!("--preset neural-style {QUICK}");
    let blend = QUICK
        .replace("iterations 2", "iterations 3")
        .replace("conv1_1", "conv1_2=2");
    let small = QUICK.replace("48", "40");
    for (options, seeds) in [("", ["5", "5", "8"]), ("--seed 9", ["9", "9", "9"])] {
        assert_eq!(
            summary(&place, &format!("lists/jobs.toml {options}")),
            "3 painted, 0 skipped, 0 failed"
        );
        let [a, b, c] = seeds.map(|seed| format!("--seed {seed}"));
        assert!(bytes(&place, "out/a.png") == stylized(&place, cat, &format!("{quick} {a}")));
        let two = format!("{cup} paintings/wave.jpg paintings/night.jpg");
        let blend = format!("--preset neural-style {blend} --style-blend 3,1 {b}");
        assert!(bytes(&place, "out/b.png") == stylized(&place, &two, &blend));
        let max = format!("--preset neural-style {small} --pooling max --init {cup} {c}");
        assert!(bytes(&place, "out/c.png") == stylized(&place, cat, &max));
    }
}

#[test]
fn what_is_finished_is_skipped_until_its_pictures_or_settings_change() {
    let place = pictures();
    let night = format!("--contents photos --styles paintings -o out {QUICK}");
    assert_eq!(summary(&place, &night), "4 painted, 0 skipped, 0 failed");
    assert_eq!(summary(&place, &night), "0 painted, 4 skipped, 0 failed");
    std::fs::remove_file(place.path("out/cup_wave.png")).unwrap();
    assert_eq!(summary(&place, &night), "1 painted, 3 skipped, 0 failed");
    // Another picture of the same name.
    std::fs::copy(place.path("photos/cup.jpg"), place.path("photos/cat.jpg")).unwrap();
    let (_, said) = batch(&place, &night);
    assert!(
        said.starts_with(
            "job 1 of 4: out/cat_night.png, again: its pictures or settings have changed\n"
        ),
        "{said}"
    );
    assert!(said.ends_with("2 painted, 2 skipped, 0 failed\n"), "{said}");
    // Other settings; threads change nothing.
    let threads = format!("{night} --threads 1");
    assert_eq!(summary(&place, &threads), "0 painted, 4 skipped, 0 failed");
    let other = format!("{night} --seed 1");
    assert_eq!(summary(&place, &other), "4 painted, 0 skipped, 0 failed");
    assert_eq!(summary(&place, &other), "0 painted, 4 skipped, 0 failed");
    let again = format!("{other} --again");
    assert_eq!(summary(&place, &again), "4 painted, 0 skipped, 0 failed");
    // A picture that came from elsewhere is nobody's to replace.
    std::fs::remove_dir_all(place.path("out/.impasto")).unwrap();
    place.write("out/cat_wave.png", "a picture from elsewhere");
    assert_eq!(summary(&place, &night), "0 painted, 4 skipped, 0 failed");
}

#[test]
fn a_job_that_fails_is_told_and_the_next_one_is_painted() {
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
fn a_run_that_goes_out_of_bounds_leaves_no_picture_that_looks_finished() {
    let place = pictures();
    let arguments = format!(
        "--contents photos --styles paintings -o out {QUICK} --style-weight 1e38 --optimizer lbfgs --learning-rate 1e30"
    );
    let (code, said) = batch(&place, &arguments);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("no longer a finite number"), "{said}");
    assert!(files(&place.path("out")).is_empty());
}

#[test]
fn shards_together_paint_all_and_none_twice() {
    let place = pictures();
    let arguments = format!("--contents photos --styles paintings -o out {QUICK}");
    let mut painted = Vec::new();
    for shard in 1..=3 {
        let (code, said) = batch(&place, &format!("{arguments} --again --shard {shard}/3"));
        assert_eq!(code, 0, "{said}");
        let jobs = said.lines().filter(|line| line.starts_with("job "));
        painted.extend(jobs.map(str::to_owned));
        let number = if shard == 1 { 2 } else { 1 };
        assert!(
            said.ends_with(&format!("{number} painted, 0 skipped, 0 failed\n")),
            "{said}"
        );
    }
    painted.sort();
    let names = ["cat_night", "cat_wave", "cup_night", "cup_wave"];
    let all = (1..)
        .zip(names)
        .map(|(i, name)| format!("job {i} of 4: out/{name}.png"));
    assert_eq!(painted, all.collect::<Vec<_>>());
    // More machines than jobs: the last has nothing to do.
    let last = format!("{arguments} --shard 5/5");
    assert_eq!(summary(&place, &last), "0 painted, 0 skipped, 0 failed");
    for bad in ["0/3", "4/3", "3", "a/b"] {
        let (code, said) = batch(&place, &format!("{arguments} --shard {bad}"));
        assert_eq!(code, 2);
        assert!(
            said.contains("'--shard <I/N>': write which part of how many"),
            "{said}"
        );
    }
}

#[test]
fn a_wrong_list_is_refused_as_a_whole() {
    let place = pictures();
    let job = |output: &str, more: &str| {
        format!(
            "[[job]]\ncontent = 'photos/cat.jpg'\nstyle = 'paintings/wave.jpg'\noutput = '{output}'\n{more}\n"
        )
    };
    let good = job("out/a.png", QUICK_KEYS);
    for (list, trouble) in [
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
        (
            good.clone() + &job("out/b.png", "sice = 3"),
            "line 14, job 2: unknown field `sice`; a job has content, style",
        ),
        (
            job("out/a.png", "iterations = 'many'"),
            "line 5, job 1: invalid type",
        ),
        (job("out/a.png", "size = '0'"), "line 5, job 1: "),
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
        (
            "[defaults]\noutput = 'a.png'\n".to_owned() + &good,
            "line 1, defaults: output: all jobs would write one file",
        ),
        (
            "[defaults]\nsice = 3\n".to_owned() + &good,
            "line 2, defaults: unknown field `sice`",
        ),
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
        (
            job("out/a.xyz", ""),
            "line 1, job 1: out/a.xyz: the file extension decides the format",
        ),
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
            "line 1, job 1: ",
        ),
        (
            job("out/a.png", "preset = 'cubist'"),
            "line 1, job 1: preset: cubist: no such file",
        ),
        (
            job("out/a.png", "content-mask = ['photos/cat.jpg', 'rest']"),
            "line 1, job 1: --content-mask: 2 for 1",
        ),
    ] {
        place.write("jobs.toml", &list);
        let line = place.refusal(place.impasto("batch jobs.toml"));
        assert!(line.starts_with("error: jobs.toml: "), "{list}: {line}");
        assert!(line.contains(trouble), "{list}: {line}, not {trouble}");
    }
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
    place.write("jobs.toml", &good);
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

/// A list of a short job, a longer one and a short one.
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
fn begin(place: &Workplace, arguments: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_impasto"))
        .current_dir(place.path(""))
        .env_remove("IMPASTO_WEIGHTS")
        .env_remove("IMPASTO_CPU")
        .arg("batch")
        .args(arguments.split_whitespace())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[cfg(unix)]
fn wait_for(file: &Path) {
    let begin = Instant::now();
    while !file.exists() {
        assert!(
            begin.elapsed() < Duration::from_secs(60),
            "waited for {}",
            file.display()
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Sends a signal: the exit code, and what was said.
#[cfg(unix)]
fn end(run: Child, signal: &str) -> (Option<i32>, String) {
    let sent = Command::new("kill")
        .args([signal, &run.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let output = run.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_no_picture_that_looks_finished() {
    let place = pictures();
    long_list(&place, 1_000_000);
    let run = begin(&place, "jobs.toml");
    wait_for(&place.path("out/.impasto/a.png.json"));
    let (code, said) = end(run, "-INT");
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
fn a_job_that_was_broken_off_goes_on_and_ends_with_the_same_bytes() {
    let options = QUICK.replace("--iterations 2", "--iterations 150 --optimizer lbfgs");
    for signal in ["-INT", "-KILL"] {
        let place = pictures();
        long_list(&place, 150);
        let run = begin(&place, "jobs.toml --checkpoint-every 1");
        wait_for(&place.path("out/.impasto/b.png.checkpoint.previous"));
        let (code, said) = end(run, signal);
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
        assert!(bytes(&place, "out/b.png") == single);
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
fn a_checkpoint_of_other_settings_is_not_gone_on_with() {
    let place = pictures();
    long_list(&place, 1_000_000);
    let run = begin(&place, "jobs.toml --checkpoint-every 1");
    wait_for(&place.path("out/.impasto/b.png.checkpoint.previous"));
    end(run, "-INT");
    long_list(&place, 3);
    let (code, said) = batch(&place, "jobs.toml --checkpoint-every 1");
    assert_eq!(code, 0, "{said}");
    let warning = "warning: out/.impasto/b.png.checkpoint: of other pictures or settings, or begun in another folder; this picture is begun anew";
    assert!(said.contains(warning), "{said}");
    let options = QUICK.replace("--iterations 2", "--iterations 3 --optimizer lbfgs");
    let single = stylized(&place, "photos/cat.jpg paintings/night.jpg", &options);
    assert!(bytes(&place, "out/b.png") == single);
}

/// The blocks of docs/batch.md in this language.
#[cfg(unix)]
fn examples(language: &str) -> Vec<String> {
    let page = std::fs::read_to_string(data("../docs/batch.md")).unwrap();
    let blocks = page.split("```");
    let blocks = blocks.filter_map(|block| block.strip_prefix(&format!("{language}\n")));
    blocks.map(str::to_owned).collect()
}

/// The list of the documentation, in eight parts by its Slurm script.
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
    // Quick, and otherwise as it is.
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
