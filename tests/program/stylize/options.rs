//! Options of `impasto stylize` that are written wrong, out of range, or given twice.

use crate::workplace::Workplace;

#[test]
fn wrong_usage_exits_with_2_and_names_the_option() {
    let place = Workplace::new();
    for (arguments, named) in [
        ("", "--output"),
        ("-o out.png --size 0", "--size"),
        ("-o out.png --size 12x", "--size"),
        ("-o out.png --size big", "--size"),
        ("-o out.png --iterations many", "--iterations"),
        ("-o out.png --iterations 0", "--iterations"),
        ("-o out.png --iterations 99999999999", "--iterations"),
        ("-o out.png --learning-rate 0", "--learning-rate"),
        ("-o out.png --learning-rate -2", "--learning-rate"),
        ("-o out.png --learning-rate inf", "--learning-rate"),
        ("-o out.png --noise-ratio 1.5", "--noise-ratio"),
        ("-o out.png --style-weight -1", "--style-weight"),
        ("-o out.png --tv-weight NaN", "--tv-weight"),
        ("-o out.png --style-layers conv1_1=x", "--style-layers"),
        ("-o out.png --pooling median", "--pooling"),
        ("-o out.png --optimizer sgd", "--optimizer"),
        ("-o out.png --scales 3,2", "--scales"),
        ("-o out.png --style-scale 0", "--style-scale"),
        ("-o out.png --average 1", "--average"),
        ("-o out.png --history 0", "--history"),
        ("-o out.png --threads 0", "--threads"),
        ("-o out.png --frames-at 3", "--frames"),
        ("-o out.png --frames f --frames-at 0", "--frames-at"),
        ("-o out.png -q -v", "--quiet"),
        ("-o out.png --colour", "--colour"),
    ] {
        let output = place
            .stylize(arguments)
            .assert()
            .code(2)
            .get_output()
            .clone();
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains(named), "{arguments}: {message}");
        assert!(place.contents().is_empty());
    }
    place.impasto("").assert().code(2);
    place.impasto("paint").assert().code(2);
}
