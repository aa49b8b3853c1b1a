//! Batches that end well: what is painted, what is skipped, and how jobs are shared between machines.

use super::{QUICK, QUICK_KEYS, batch, files, pictures, stylized, summary};

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
            place.pixels(&format!("made/here/{name}.png")) == single,
            "{name}"
        );
    }
    // Pictures of another format are added, and nothing is printed.
    let (code, said) = batch(&place, &format!("{arguments} --format jpg -q"));
    assert_eq!((code, said.as_str()), (0, ""));
    assert_eq!(files(&place.path("made/here")).len(), 8);
}

#[test]
fn settings_of_a_job_come_from_the_options_the_job_and_the_defaults() {
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
        assert!(place.pixels("out/a.png") == stylized(&place, cat, &format!("{quick} {a}")));
        let two = format!("{cup} paintings/wave.jpg paintings/night.jpg");
        let blend = format!("--preset neural-style {blend} --style-blend 3,1 {b}");
        assert!(place.pixels("out/b.png") == stylized(&place, &two, &blend));
        let max = format!("--preset neural-style {small} --pooling max --init {cup} {c}");
        assert!(place.pixels("out/c.png") == stylized(&place, cat, &max));
    }
}

#[test]
fn finished_jobs_are_skipped_until_their_pictures_or_settings_change() {
    let place = pictures();
    let night = format!("--contents photos --styles paintings -o out {QUICK}");
    assert_eq!(summary(&place, &night), "4 painted, 0 skipped, 0 failed");
    assert_eq!(summary(&place, &night), "0 painted, 4 skipped, 0 failed");
    std::fs::remove_file(place.path("out/cup_wave.png")).unwrap();
    assert_eq!(summary(&place, &night), "1 painted, 3 skipped, 0 failed");
    // Another picture under the same name.
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
    // A picture that no batch has painted is never replaced.
    std::fs::remove_dir_all(place.path("out/.impasto")).unwrap();
    place.write("out/cat_wave.png", "a picture from elsewhere");
    assert_eq!(summary(&place, &night), "0 painted, 4 skipped, 0 failed");
}

#[test]
fn a_job_protects_a_part_of_its_photograph_until_the_mask_changes() {
    let place = pictures();
    let mask = |white: u32| {
        let level = |x, _| image::Luma([if x < white { 255 } else { 0 }]);
        let mask = image::GrayImage::from_fn(451, 300, level);
        mask.save(place.path("paintings/mask.png")).unwrap();
    };
    mask(200);
    std::fs::create_dir(place.path("lists")).unwrap();
    let job = |photo: &str, more: &str| {
        format!("[[job]]\ncontent = '../photos/cat.jpg'\noutput = '../out/{photo}.png'\n{more}")
    };
    let first = job("a", "");
    let second = job("b", "protect = '../paintings/mask.png'\n");
    let defaults = format!("[defaults]\nstyle = '../paintings/wave.jpg'\n{QUICK_KEYS}");
    place.write("lists/jobs.toml", format!("{defaults}{first}{second}"));
    let run = || summary(&place, "lists/jobs.toml");
    assert_eq!(run(), "2 painted, 0 skipped, 0 failed");
    let single = |options: &str| {
        let pictures = "photos/cat.jpg paintings/wave.jpg";
        stylized(&place, pictures, &format!("{QUICK} {options}"))
    };
    assert!(place.pixels("out/a.png") == single(""));
    assert!(place.pixels("out/b.png") == single("--protect paintings/mask.png"));
    assert_eq!(run(), "0 painted, 2 skipped, 0 failed");
    mask(100);
    assert_eq!(run(), "1 painted, 1 skipped, 0 failed");
    // For all jobs.
    let protect = "protect = '../paintings/mask.png'\n";
    place.write(
        "lists/jobs.toml",
        format!("{defaults}{protect}{first}{second}"),
    );
    assert_eq!(run(), "1 painted, 1 skipped, 0 failed");
    assert!(place.pixels("out/a.png") == place.pixels("out/b.png"));
}

#[test]
fn shards_paint_every_job_exactly_once() {
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
