//! `impasto check-gradient`.

use crate::workplace::{Workplace, printed, usage_error};
use serde_json::Value;

/// What a command prints that ends with this exit code.
fn printed_with(place: &Workplace, arguments: &str, code: i32) -> String {
    let mut command = place.impasto(&format!("check-gradient {arguments}"));
    let output = command.assert().code(code).get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn a_line_for_each_check_says_how_large_its_error_is() {
    let place = Workplace::new();
    let text = printed(place.impasto("check-gradient relu pooling adjoint"));
    let line = |name: &str| {
        let mut lines = text.lines();
        lines
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{name}: {text}"))
    };
    for (name, cases, bound) in [
        ("relu ", "9", "1e-6"),
        ("pooling ", "36", "1e-6"),
        ("adjoint-convolution ", "108", "1e-13"),
    ] {
        let words: Vec<_> = line(name).split_whitespace().collect();
        assert_eq!((words[1], words[3]), (cases, bound), "{text}");
        let (error, bound): (f64, f64) = (words[2].parse().unwrap(), bound.parse().unwrap());
        assert!(error > 0.0 && error <= bound, "{text}");
        assert_eq!(words.last(), Some(&"pass"));
    }
    assert!(text.contains("every derivative is right"), "{text}");
    assert!(place.contents().is_empty());
}

#[test]
fn the_list_has_all_checks_and_runs_none() {
    let place = Workplace::new();
    let text = printed(place.impasto("check-gradient --list"));
    let names: Vec<_> = text
        .lines()
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    let all: Vec<_> = impasto::gradients::checks()
        .into_iter()
        .map(|check| check.name)
        .collect();
    assert_eq!(names, all);
    let some = printed(place.impasto("check-gradient --list pooling"));
    assert_eq!(some.lines().count(), 2, "{some}");
}

#[test]
fn the_json_has_every_case() {
    let place = Workplace::new();
    let command = "check-gradient pooling --engine reference --json";
    let result = json(&printed(place.impasto(command)));
    assert_eq!(result["as_expected"], true);
    assert_eq!(result["step"], 1e-5);
    assert_eq!(result["engines"], serde_json::json!(["reference"]));
    let check = &result["checks"][0];
    assert_eq!(check["name"], "pooling");
    assert_eq!(check["verdict"], "pass");
    let cases = check["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 18);
    let largest = cases
        .iter()
        .map(|case| case["error"].as_f64().unwrap())
        .fold(0.0, f64::max);
    assert_eq!(check["error"].as_f64(), Some(largest));
}

#[test]
fn an_unsuitable_step_fails_and_names_the_worst_element() {
    let place = Workplace::new();
    let text = printed_with(&place, "style-gram --step 0.1", 1);
    assert!(text.contains("FAIL"), "{text}");
    assert!(text.contains("1 of 1 check failed: style-gram"), "{text}");
    let named = text
        .lines()
        .any(|line| line.contains("element [") && line.contains("finite differences give"));
    assert!(named, "{text}");
    // A linear operation has no truncation error.
    printed_with(&place, "convolution --step 0.1", 0);
    printed_with(&place, "convolution --step 1e-13", 1);
}

#[test]
fn every_sabotage_is_noticed() {
    let place = Workplace::new();
    for mistake in ["factor", "element", "sign", "exchange", "nan"] {
        let command = format!("operations adjoint --engine reference --sabotage {mistake}");
        let text = printed_with(&place, &command, 0);
        assert!(
            text.contains("the mistake is noticed in each"),
            "{mistake}: {text}"
        );
        assert!(!text.contains("pass"), "{mistake}: {text}");
    }
}

#[test]
fn the_page_has_a_row_for_each_check() {
    let place = Workplace::new();
    printed(place.impasto("check-gradient relu gram --report page.html"));
    assert_eq!(place.contents(), ["page.html"]);
    let page = std::fs::read_to_string(place.path("page.html")).unwrap();
    for part in [
        "<code>relu</code>",
        "<code>style-gram</code>",
        "G = FᵀF",
        "pass",
        "every derivative is right",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<script"));
}

#[test]
fn checks_that_cannot_be_made_are_refused_before_the_work() {
    let place = Workplace::new();
    let line = place.refusal(place.impasto("check-gradient relu nothing"));
    assert!(
        line.contains("\"nothing\"") && line.contains("--list"),
        "{line}"
    );
    let line = place.refusal(place.impasto("check-gradient relu --report page.txt"));
    assert!(line.contains("page.txt: --report writes a page"), "{line}");
    let line = place.refusal(place.impasto("check-gradient --report missing/page.html"));
    assert!(line.contains("there is no folder missing"), "{line}");
    let mut command = place.impasto("check-gradient relu");
    command.env("IMPASTO_CPU", "abacus");
    let line = place.refusal(command);
    assert!(line.contains("IMPASTO_CPU"), "{line}");
    for usage in [
        "--step 0",
        "--step 2",
        "--step nan",
        "--step x",
        "--sabotage all",
        "--json --verbose",
    ] {
        usage_error(place.impasto(&format!("check-gradient {usage}")));
    }
}
