//! Good runs of the program, as a user makes them.

use crate::workplace::{SMALL, Workplace, data};
use image::GenericImageView;
use impasto::engine::Cpu;
use impasto::picture::{Picture, Size};
use serde_json::Value;
use std::path::{Path, PathBuf};

fn dimensions(path: &Path) -> (u32, u32) {
    image::open(path).unwrap().dimensions()
}

/// The lines of a log, as JSON objects.
fn log(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_picture_is_painted_and_named_at_the_end() {
    let place = Workplace::new();
    let output = place.stylize(SMALL).assert().success().get_output().clone();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.lines()
            .next()
            .unwrap()
            .starts_with("iteration 1 of 3, loss ")
    );
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("wrote out.png (48x32, 3 iterations in "),
        "{said}"
    );
    assert_eq!(place.contents(), ["out.png"]);
    assert_eq!(dimensions(&place.path("out.png")), (48, 32));
}

#[test]
fn a_size_of_two_edges_is_met_exactly() {
    let place = Workplace::new();
    let arguments = "-o out.png --size 33x47 --iterations 1";
    place.stylize(arguments).assert().success();
    assert_eq!(dimensions(&place.path("out.png")), (33, 47));
}

#[test]
fn the_output_format_is_told_by_the_ending() {
    let place = Workplace::new();
    for ending in ["jpg", "WebP", "tiff"] {
        let arguments = format!("-o out.{ending} --size 32x32 --iterations 1");
        place.stylize(&arguments).assert().success();
        let bytes = std::fs::read(place.path(&format!("out.{ending}"))).unwrap();
        let format = image::guess_format(&bytes).unwrap();
        let expected = image::ImageFormat::from_extension(ending).unwrap();
        assert_eq!(format, expected);
    }
}

#[test]
fn the_log_has_a_line_for_each_iteration_and_losses_fall() {
    let place = Workplace::new();
    let arguments = "-o out.png --size 64 --iterations 12 --preset classic --init content --tv-weight 0.1 --log log.jsonl";
    place.stylize(arguments).assert().success();
    let lines = log(&place.path("log.jsonl"));
    assert_eq!(lines.len(), 12);
    let mut seconds = 0.0;
    for (iteration, line) in (1..).zip(&lines) {
        let number = |key: &str| line[key].as_f64().unwrap();
        assert_eq!(line["iteration"], iteration);
        let sum = number("content") + number("style") + number("tv");
        assert!((number("total") / sum - 1.0).abs() < 1e-12);
        assert!(number("style") > 0.0 && number("tv") > 0.0);
        assert!(number("seconds") >= seconds);
        seconds = number("seconds");
        assert_eq!(line.as_object().unwrap().len(), 7, "{line}");
    }
    // The losses are those of the picture before the step: it begins as the photograph itself.
    assert_eq!(lines[0]["content"], 0.0);
    assert!(lines[1]["content"].as_f64().unwrap() > 0.0);
    let totals: Vec<_> = lines
        .iter()
        .map(|line| line["total"].as_f64().unwrap())
        .collect();
    assert!(
        totals.is_sorted_by(|earlier, later| later < earlier),
        "{totals:?}"
    );
}

#[test]
fn frames_are_kept_when_they_are_due() {
    let place = Workplace::new();
    let small = "-o out.png --size 32 --iterations 10 --init content";
    place
        .stylize(&format!("{small} --frames a/b"))
        .assert()
        .success();
    let names = |folder: &str| {
        let entries = place.path(folder).read_dir().unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let due = [
        "00001.png",
        "00002.png",
        "00003.png",
        "00004.png",
        "00005.png",
        "00010.png",
    ];
    assert_eq!(names("a/b"), due);
    let frames = "--frames c --frames-at 4";
    place
        .stylize(&format!("{small} {frames}"))
        .assert()
        .success();
    assert_eq!(names("c"), ["00004.png", "00008.png"]);
    // The last frame is the picture itself.
    assert!(place.pixels("a/b/00010.png") == place.pixels("out.png"));
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let place = Workplace::new();
    let paint = |name: &str, options: &str| {
        let size = "--size 96x70 --iterations 2 --init noise";
        place
            .stylize(&format!("-o {name}.png {size} {options}"))
            .assert()
            .success();
        place.pixels(&format!("{name}.png"))
    };
    let first = paint("first", "--threads 1 --seed 5");
    assert!(first == paint("again", "--threads 1 --seed 5"));
    assert!(first == paint("two", "--threads 2 --seed 5"));
    assert!(first == paint("three", "--threads 3 --seed 5"));
    assert!(first != paint("other", "--threads 2 --seed 6"));
}

#[test]
fn quiet_says_nothing_and_verbose_says_more() {
    let place = Workplace::new();
    let quiet = place.stylize(&format!("{SMALL} -q")).assert().success();
    assert!(quiet.get_output().stderr.is_empty() && quiet.get_output().stdout.is_empty());
    let verbose = place.stylize(&format!("{SMALL} -v")).assert().success();
    let said = String::from_utf8(verbose.get_output().stderr.clone()).unwrap();
    for detail in [
        "VGG-16 from the program itself",
        "chelsea.jpg, 451x300",
        "painted   at 48x32",
        "752x600, seen at 48x38",
        "conv5_1=4",
        "learning rate 10, from content",
        " threads, ",
        "s an iteration",
    ] {
        assert!(said.contains(detail), "{detail} in {said}");
    }
}

#[test]
fn the_classic_preset_is_the_classic_recipe_and_options_win_over_it() {
    let place = Workplace::new();
    let said = |arguments: &str| {
        let run = place
            .stylize(&format!("-o out.png -v {arguments}"))
            .assert()
            .success();
        String::from_utf8(run.get_output().stderr.clone()).unwrap()
    };
    // Its own size, 666x500, at the fewest iterations and the shallowest layers, so that it is soon done.
    let classic =
        said("--preset classic --iterations 1 --style-layers conv1_1 --content-layers conv1_1=2");
    assert!(classic.contains("painted   at 666x500"), "{classic}");
    assert!(classic.contains("seen at 666x500"));
    assert!(classic.contains("content × 0.01: conv1_1=2\n"));
    let smaller = said("--preset classic --iterations 1 --size 40x40");
    assert!(smaller.contains("painted   at 40x40"), "{smaller}");
    assert!(smaller.contains("conv1_1=0.5 conv2_1=1 conv3_1=1.5 conv4_1=3 conv5_1=4"));
    assert!(smaller.contains("learning rate 2, from noise, seed 0"));
}

#[test]
fn each_way_to_begin_begins_with_its_own_picture() {
    let place = Workplace::new();
    place.write(
        "start.png",
        std::fs::read(data("content/coffee.jpg")).unwrap(),
    );
    let begin = |options: &str| {
        // Steps so small that the first picture is what comes out.
        let still = "-o out.png --preset classic --size 64x48 --iterations 1 --learning-rate 1e-6";
        place
            .stylize(&format!("{still} {options}"))
            .assert()
            .success();
        Picture::open(&place.path("out.png")).unwrap().0
    };
    let size = Size {
        width: 64,
        height: 48,
    };
    let fitted = |name: &str| Picture::open(&data(name)).unwrap().0.fit(size);
    let content = fitted("content/chelsea.jpg");
    assert_eq!(begin("--init content"), content);
    assert_eq!(begin("--noise-ratio 0"), content);
    assert_eq!(begin("--init start.png"), fitted("content/coffee.jpg"));

    let deviation = |picture: &Picture| picture.to_array().std(0.0);
    // Uniform noise of half-width 20 deviates by 20/√3 = 11.5; over the whole range by 255/√12 = 73.6.
    assert!((deviation(&begin("--noise-ratio 1")) - 11.5).abs() < 0.5);
    assert!((deviation(&begin("--init random")) - 73.6).abs() < 1.5);
    // 0.6 of one and 0.4 of the other.
    let mixed = begin("--init noise").to_array();
    let noise = (&mixed - &(content.to_array() * 0.4)) / 0.6;
    assert!(noise.iter().all(|noise| noise.abs() < 21.0));
    assert!((noise.std(0.0) - 11.5).abs() < 0.5);
}

#[test]
fn weights_are_taken_from_a_named_file_or_the_environment() {
    let place = Workplace::new();
    let weights = data("vgg16.safetensors");
    place.stylize(SMALL).assert().success();
    let built_in = place.pixels("out.png");
    let mut by_option = place.stylize(&format!("{SMALL} -v --weights"));
    let said = by_option
        .arg(&weights)
        .assert()
        .success()
        .get_output()
        .stderr
        .clone();
    assert!(String::from_utf8(said).unwrap().contains("VGG-16 from /"));
    assert!(place.pixels("out.png") == built_in);
    let mut by_environment = place.stylize(SMALL);
    by_environment
        .env("IMPASTO_WEIGHTS", &weights)
        .assert()
        .success();
    assert!(place.pixels("out.png") == built_in);
    // Empty is as good as unset; a file that is not there is not.
    place
        .stylize(SMALL)
        .env("IMPASTO_WEIGHTS", "")
        .assert()
        .success();
    place
        .stylize(SMALL)
        .env("IMPASTO_WEIGHTS", "none")
        .assert()
        .code(1);
}

#[test]
fn any_layers_and_either_pooling_can_be_asked_for() {
    let place = Workplace::new();
    let paint = |options: &str| {
        place
            .stylize(&format!("{SMALL} {options}"))
            .assert()
            .success();
        std::fs::read(place.path("out.png")).unwrap()
    };
    let classic = paint("");
    assert!(paint("--style-layers pool1,pool4=2,conv3_3=0.5 --content-layers pool3") != classic);
    assert!(paint("--pooling max") != classic);
    assert!(paint("--content-weight 1e6") != classic);
}

#[test]
fn settings_that_are_saved_paint_the_same_picture_again() {
    let place = Workplace::new();
    let options = "--size 64 --iterations 6 --optimizer lbfgs --scales 2 --style-scale 0.7 --tv-weight 0.1 --seed 4 \
                   --style-layers conv2_1=2,conv3_2 --pooling max";
    place
        .stylize(&format!("-o out.png {options} --save-settings mine.toml"))
        .assert()
        .success();
    let picture = std::fs::read(place.path("out.png")).unwrap();
    place
        .stylize("-o again.png --preset mine.toml")
        .assert()
        .success();
    assert!(std::fs::read(place.path("again.png")).unwrap() == picture);
    // An option wins over the file.
    place
        .stylize("-o other.png --preset mine.toml --seed 5")
        .assert()
        .success();
    assert!(std::fs::read(place.path("other.png")).unwrap() != picture);
    let saved = std::fs::read_to_string(place.path("mine.toml")).unwrap();
    assert!(
        saved.contains("optimizer = \"lbfgs\"") && saved.contains("conv3_2 = 1.0"),
        "{saved}"
    );
}

#[test]
fn each_preset_paints() {
    let place = Workplace::new();
    for preset in ["default", "gatys2016", "neural-style"] {
        let options = format!("-o out.png --preset {preset} --size 64 --iterations 8 --log log");
        place.stylize(&options).assert().success();
        let log = log(&place.path("log"));
        let total = |line: &Value| line["total"].as_f64().unwrap();
        assert!(total(log.last().unwrap()) < total(&log[0]), "{preset}");
        assert!(
            log[0]["content"].as_f64().unwrap() >= 0.0 && log[0]["style"].as_f64().unwrap() > 0.0
        );
    }
}

#[test]
fn the_photograph_s_colours_can_be_kept() {
    let place = Workplace::new();
    let means = |path: PathBuf| {
        let picture = image::open(path).unwrap().to_rgb8();
        let count = f64::from(picture.width() * picture.height());
        [0, 1, 2].map(|c| {
            picture
                .pixels()
                .map(|pixel| f64::from(pixel[c]))
                .sum::<f64>()
                / count
        })
    };
    let photograph = means(data("content/chelsea.jpg"));
    // How far red is from blue: the cat is warm, the night is cold.
    let warmth = |[red, _, blue]: [f64; 3]| red - blue;
    let painted = |colours: &str| {
        let options = "-o out.png --size 64 --iterations 30 --init content --optimizer lbfgs";
        place
            .stylize(&format!("{options} --original-colors {colours}"))
            .assert()
            .success();
        warmth(means(place.path("out.png")))
    };
    let (off, matched, luminance) = (painted("off"), painted("match"), painted("luminance"));
    let warm = warmth(photograph);
    assert!(off < warm - 30.0, "{off}, the photograph {warm}");
    assert!(
        (matched - warm).abs() < 10.0,
        "{matched}, the photograph {warm}"
    );
    assert!(
        (luminance - warm).abs() < 3.0,
        "{luminance}, the photograph {warm}"
    );
}

#[test]
fn lbfgs_gets_further_than_adam_in_as_many_evaluations() {
    let place = Workplace::new();
    let last = |options: &str| {
        let command = "-o out.png --size 96 --border 0 --iterations 40 --init content --log log";
        place
            .stylize(&format!("{command} {options}"))
            .assert()
            .success();
        let log = log(&place.path("log"));
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
    let said = place
        .stylize(options)
        .assert()
        .success()
        .get_output()
        .stderr
        .clone();
    let said = String::from_utf8(said).unwrap();
    assert!(
        said.contains("painted   at 96x64, after 48x32, 70x47"),
        "{said}"
    );
    let widths: Vec<u32> = (1..=60)
        .map(|n| dimensions(&place.path(&format!("f/{n:05}.png"))).0)
        .collect();
    assert!(
        widths.is_sorted() && widths[0] == 48 && widths[59] == 96,
        "{widths:?}"
    );
    assert_eq!(dimensions(&place.path("out.png")), (96, 64));
    // The coarse result is where the next size begins: its first picture is not noise.
    let losses: Vec<f64> = (log(&place.path("log")).iter())
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
        let picture = image::open(place.path("out.png")).unwrap().to_rgb8();
        let differ = |a: u32, b: u32| f64::from(a.abs_diff(b));
        (picture.enumerate_pixels())
            .filter(|(x, ..)| *x > 0)
            .map(|(x, y, pixel)| differ(pixel[0].into(), picture.get_pixel(x - 1, y)[0].into()))
            .sum::<f64>()
    };
    let (mean, last) = (roughness("--average 0.9"), roughness(""));
    assert!(mean < 0.95 * last, "{mean}, the last picture {last}");
}

/// How far the mean colour of the outermost pixels is from that of their neighbours, a mean over the sides.
#[test]
fn what_is_painted_beyond_the_edges_leaves_no_frame() {
    let place = Workplace::new();
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

/// With Adam, whose steps depend smoothly on the gradient; a search along a line may turn a last digit into another step.
#[test]
fn both_engines_reach_the_same_losses() {
    let place = Workplace::new();
    let run = |engine: &str| {
        let arguments = "-o out.png --size 80x61 --preset classic --iterations 20 --init content --log log.jsonl";
        let mut command = place.stylize(&format!("{arguments} --engine {engine}"));
        command.assert().success();
        log(&place.path("log.jsonl"))
    };
    for (fast, reference) in run("fast").iter().zip(run("reference")) {
        let ratio = fast["total"].as_f64().unwrap() / reference["total"].as_f64().unwrap();
        assert!((ratio - 1.0).abs() < 0.01, "{fast} {reference}");
    }
}

/// A level that every machine has, and the one that it would take by itself.
#[test]
fn an_instruction_set_can_be_forced() {
    let place = Workplace::new();
    let run = |cpu: &str| {
        let mut command =
            place.stylize("-o out.png --size 48x40 --iterations 5 --log log.jsonl -v");
        let said = command.env("IMPASTO_CPU", cpu).assert().success();
        let said = String::from_utf8(said.get_output().stderr.clone()).unwrap();
        assert!(said.contains(&format!("fast ({cpu}) engine")), "{said}");
        log(&place.path("log.jsonl"))
    };
    let portable = run("portable");
    for cpu in Cpu::all() {
        for (ours, portable) in run(cpu.name()).iter().zip(&portable) {
            let ratio = ours["total"].as_f64().unwrap() / portable["total"].as_f64().unwrap();
            assert!((ratio - 1.0).abs() < 1e-3, "{cpu}: {ours} {portable}");
        }
    }
}

#[test]
fn the_benchmark_says_how_long_an_iteration_takes_and_where_its_time_goes() {
    let place = Workplace::new();
    let mut command =
        place.impasto("bench --size 64x48 --iterations 3 --threads 2 --network vgg19");
    let said = command.assert().success().get_output().stdout.clone();
    let said = String::from_utf8(said).unwrap();
    for line in [
        "conv5_1 ",
        "forward ",
        "losses ",
        "backward ",
        "s an iteration",
        "300 iterations",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }

    let arguments = "bench --size 64x48 --iterations 2 --threads 1 --json";
    for (engine, cpu) in [
        ("fast", Cpu::widest().name()),
        ("reference", std::env::consts::ARCH),
    ] {
        let mut command = place.impasto(&format!("{arguments} --engine {engine}"));
        let said = command.assert().success().get_output().stdout.clone();
        let report: Value = serde_json::from_slice(&said).unwrap();
        let seconds = |value: &Value| value.as_f64().unwrap();
        let median = seconds(&report["median_seconds"]);
        assert!(0.0 < seconds(&report["min_seconds"]) && seconds(&report["min_seconds"]) <= median);
        if cfg!(unix) {
            // More than the kernels take, less than a gigabyte.
            let bytes = report["peak_memory_bytes"].as_u64().unwrap();
            assert!((50_000_000..1_000_000_000).contains(&bytes), "{bytes}");
        }
        assert_eq!(report["size"], "64x48");
        assert_eq!(report["network"], "VGG-16");
        assert_eq!(
            (&report["threads"], &report["iterations"]),
            (&1.into(), &2.into())
        );
        assert_eq!(
            (&report["engine"], &report["cpu"]),
            (&engine.into(), &cpu.into())
        );
        let layers = report["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 15);
        assert_eq!(layers[14]["name"], "conv5_1");
        let of_layers: f64 = layers
            .iter()
            .map(|layer| seconds(&layer["forward_seconds"]))
            .sum();
        // Medians of a few iterations: a sum of medians need not be the median of the sums.
        assert!(0.0 < of_layers && of_layers < 2.0 * median, "{report}");
        let phases = ["forward", "losses", "backward", "optimizer"];
        let phases: f64 = phases
            .map(|phase| seconds(&report["phases"][phase]))
            .iter()
            .sum();
        assert!((0.5 * median..2.0 * median).contains(&phases), "{report}");
    }
}

#[test]
fn what_is_transparent_is_laid_on_white_and_that_is_said() {
    let place = Workplace::new();
    let glass = image::RgbaImage::from_pixel(40, 40, image::Rgba([10, 20, 30, 0]));
    glass.save(place.path("glass.png")).unwrap();
    let mut command = place.impasto("stylize glass.png");
    command.arg(data("style/great_wave.jpg"));
    command.args(format!("{SMALL} --init content --learning-rate 1e-6").split(' '));
    let said = command.assert().success().get_output().stderr.clone();
    let said = String::from_utf8(said).unwrap();
    assert!(
        said.starts_with("glass.png: transparent areas were placed on a white background\n"),
        "{said}"
    );
    let painted = image::open(place.path("out.png")).unwrap().into_rgb8();
    assert!(painted.pixels().all(|pixel| pixel.0 == [255; 3]));
}

#[test]
fn an_older_picture_is_replaced_and_a_link_followed() {
    let place = Workplace::new();
    place.write("out.png", "not a picture");
    place.stylize(SMALL).assert().success();
    assert_eq!(dimensions(&place.path("out.png")), (48, 32));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::create_dir(place.path("there")).unwrap();
        let target = place.write("there/real.png", "");
        std::fs::remove_file(place.path("out.png")).unwrap();
        std::os::unix::fs::symlink(&target, place.path("out.png")).unwrap();
        place.stylize(SMALL).assert().success();
        assert_eq!(dimensions(&target), (48, 32));
        assert!(place.path("out.png").is_symlink());
        // As readable as any file that the user makes.
        let plain = place.write("plain", "").metadata().unwrap().permissions();
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode();
        assert_eq!(mode(&target), plain.mode());
        // A link to what is not there yet is followed too; and what was private stays so.
        std::fs::remove_file(&target).unwrap();
        place.stylize(SMALL).assert().success();
        assert!(place.path("out.png").is_symlink());
        std::fs::set_permissions(&target, PermissionsExt::from_mode(0o600)).unwrap();
        place.stylize(SMALL).assert().success();
        assert_eq!(mode(&target) & 0o777, 0o600);
    }
}

#[test]
fn help_and_version_are_there() {
    let place = Workplace::new();
    let help = place
        .impasto("--help")
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    assert!(String::from_utf8(help).unwrap().contains("stylize"));
    let help = place
        .impasto("stylize --help")
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    let help = String::from_utf8(help).unwrap();
    for option in [
        "--output",
        "--size",
        "--preset",
        "--iterations",
        "--learning-rate",
        "--init",
        "--noise-ratio",
        "--content-weight",
        "--style-weight",
        "--tv-weight",
        "--content-layers",
        "--style-layers",
        "--pooling",
        "--engine",
        "--weights",
        "--seed",
        "--threads",
        "--frames",
        "--frames-at",
        "--animation",
        "--log",
        "--quiet",
        "--verbose",
        "IMPASTO_CPU",
    ] {
        assert!(help.contains(option), "{option}");
    }
    let version = place
        .impasto("--version")
        .assert()
        .success()
        .get_output()
        .stdout
        .clone();
    let expected = format!("impasto {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(version).unwrap(), expected);
}
