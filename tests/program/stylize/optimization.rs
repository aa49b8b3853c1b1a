//! `impasto stylize`: the optimizers, the sizes from coarse to fine, the running mean and the border.

use crate::workplace::{Workplace, data, said};
use std::path::PathBuf;

#[test]
fn lbfgs_gets_further_than_adam_in_as_many_evaluations() {
    let place = Workplace::new();
    let last = |options: &str| {
        let command = "-o out.png --size 96 --border 0 --iterations 40 --init content --style-loss gram --log log";
        place
            .stylize(&format!("{command} {options}"))
            .assert()
            .success();
        let log = place.log("log");
        assert_eq!(log.len(), 40);
        log.last().unwrap()["total"].as_f64().unwrap()
    };
    let adam = last("--optimizer adam --learning-rate 4");
    let lbfgs = last("--optimizer lbfgs");
    assert!(lbfgs < 0.5 * adam, "{lbfgs:e}, Adam {adam:e}");
    let short_memory = last("--optimizer lbfgs --history 1");
    assert!(
        lbfgs < short_memory,
        "{lbfgs:e}, history of one {short_memory:e}"
    );
}

#[test]
fn painting_goes_from_coarse_to_fine() {
    let place = Workplace::new();
    let options = "-o out.png --size 96 --iterations 60 --scales 48,70 --optimizer lbfgs --frames f --frames-at 1 --log log -v";
    let said = said(place.stylize(options));
    assert!(
        said.contains("painted   at 96x64, after 48x32, 70x47"),
        "{said}"
    );
    let widths: Vec<u32> = (1..=60)
        .map(|n| place.dimensions(&format!("f/{n:05}.png")).0)
        .collect();
    assert!(
        widths.is_sorted() && widths[0] == 48 && widths[59] == 96,
        "{widths:?}"
    );
    assert_eq!(place.dimensions("out.png"), (96, 64));
    // Each size begins with the result of the one before: its first picture is not noise.
    let losses: Vec<f64> = (place.log("log").iter())
        .map(|line| line["total"].as_f64().unwrap())
        .collect();
    let finest = widths.iter().position(|&width| width == 96).unwrap();
    assert!(losses[finest] < 0.3 * losses[0], "{losses:?}");
}

#[test]
fn a_running_mean_is_smoother_than_the_last_picture() {
    let place = Workplace::new();
    let roughness = |options: &str| {
        let options = format!(
            "-o out.png --preset classic --size 64 --iterations 30 --learning-rate 20 {options}"
        );
        place.stylize(&options).assert().success();
        let picture = place.rgb("out.png");
        let differ = |a: u32, b: u32| f64::from(a.abs_diff(b));
        (picture.enumerate_pixels())
            .filter(|(x, ..)| *x > 0)
            .map(|(x, y, pixel)| differ(pixel[0].into(), picture.get_pixel(x - 1, y)[0].into()))
            .sum::<f64>()
    };
    let (mean, last) = (roughness("--average 0.9"), roughness(""));
    assert!(mean < 0.95 * last, "{mean}, the last picture {last}");
}

#[test]
fn a_border_prevents_a_frame_around_the_picture() {
    let place = Workplace::new();
    // How far the mean color of the outermost pixels is from that of their neighbors, summed over the sides and colors.
    let frame = |border: usize| {
        let options = format!("-o out.png --size 96 --scales 1 --iterations 30 --border {border}");
        place.stylize(&options).assert().success();
        let picture = image::open(place.path("out.png")).unwrap().to_rgb32f();
        assert_eq!(picture.dimensions(), (96, 64));
        let sides = [picture.clone(), image::imageops::rotate90(&picture)];
        let steps = sides.iter().flat_map(|side| {
            let mean = |row: u32, c: usize| {
                let row = (0..side.width()).map(|x| side.get_pixel(x, row).0[c]);
                row.sum::<f32>() / side.width() as f32
            };
            let last = side.height() - 1;
            let ends = [(0, 1), (last, last - 1)].into_iter();
            ends.flat_map(move |(a, b)| (0..3).map(move |c| (mean(a, c) - mean(b, c)).abs()))
        });
        steps.sum::<f32>()
    };
    let (without, with) = (frame(0), frame(8));
    assert!(with < 0.6 * without, "{with}, without a border {without}");
}

#[test]
fn the_learning_rate_at_the_finest_size_may_be_another_one() {
    let place = Workplace::new();
    let losses = |preset: &str| {
        place.write("mine.toml", preset);
        let run = "-o out.png --preset mine.toml --size 48 --scales 24,48 --iterations 2 --log log";
        place.stylize(run).assert().success();
        let log = place.log("log");
        log.iter()
            .map(|line| line["total"].clone())
            .collect::<Vec<_>>()
    };
    for optimizer in [
        "optimizer = 'rmsprop'",
        "optimizer = 'adam'",
        "optimizer = 'adam'\nkeep-moments = true",
    ] {
        let rates = |share: f64| {
            losses(&format!(
                "{optimizer}\nfiner-iterations = 2\nfinest-learning-rate = {share:?}\n"
            ))
        };
        let (whole, half) = (rates(1.0), rates(0.5));
        // Two iterations at the first size, and the first one at the second come before the first step there.
        assert_eq!(whole[..3], half[..3], "{optimizer}");
        assert_ne!(whole[3], half[3], "{optimizer}");
    }
}

#[test]
fn an_infinite_loss_ends_the_run_and_keeps_the_last_good_picture() {
    let diverging = [
        ("--optimizer adam --learning-rate 1e30 --iterations 9", 2),
        // L-BFGS shortens its step, as often as a line search may. If the iterations end before, none has led anywhere.
        ("--optimizer lbfgs --learning-rate 1e30 --iterations 40", 21),
        ("--optimizer lbfgs --learning-rate 1e30 --iterations 9", 9),
        ("--optimizer lbfgs --learning-rate 1e30 --iterations 2", 2),
    ];
    for (options, iteration) in diverging {
        let place = Workplace::new();
        let wild = format!("-o out.png --size 48 --scales 1 --init content {options}");
        let output = place.stylize(&wild).assert().code(1).get_output().clone();
        let message = String::from_utf8(output.stderr).unwrap();
        let line = message.lines().last().unwrap();
        let found = format!("no longer a finite number at iteration {iteration};");
        assert!(line.contains(&found), "{options}: {line}");
        assert!(
            line.ends_with("the last good picture is in out.png"),
            "{line}"
        );
        // The picture before the step that broke it: the photograph.
        let picture = |path: PathBuf| impasto::picture::Picture::open(&path).unwrap().0;
        let photograph = picture(data("content/chelsea.jpg"));
        let kept = picture(place.path("out.png"));
        assert_eq!(kept, photograph.fit(kept.size()));
    }
}
