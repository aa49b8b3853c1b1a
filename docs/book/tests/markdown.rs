//! What is done to the text of a chapter before mdBook sees it.

use book::markdown::{dedent_code, heading_anchors, replace_formulas, replace_numbers};

#[test]
fn formulas_become_mathml_and_code_stays() {
    let text = replace_formulas("The sum $a + b$, and `$x$`.\n\n$$\\frac{1}{2}$$\n").unwrap();
    assert!(text.starts_with("The sum <math"), "{text}");
    assert!(text.contains("<mfrac>") && text.contains("`$x$`"), "{text}");
}

#[test]
fn excerpts_of_code_begin_at_the_left() {
    let text = "So:\n\n```rust\n    let x = 1;\n\n    if x > 0 {\n        run();\n    }\n```\n\n    as it is\n";
    let expected = "So:\n\n```rust\nlet x = 1;\n\nif x > 0 {\n    run();\n}\n```\n\n    as it is\n";
    assert_eq!(dedent_code(text), expected);
}

#[test]
fn a_wrong_formula_is_named() {
    let error = replace_formulas("See $\\frac{1}$.").unwrap_err();
    assert!(
        format!("{error:#}").contains("the formula \\frac{1}"),
        "{error:#}"
    );
}

#[test]
fn a_number_that_nothing_measures_is_named() {
    let find = |name: &str| match name {
        "gram.error" => Ok("3e-7"),
        _ => anyhow::bail!("no {name}"),
    };
    assert_eq!(
        replace_numbers("off by {{number gram.error}}", find).unwrap(),
        "off by 3e-7"
    );
    let error = replace_numbers("{{number gram.other}}", find).unwrap_err();
    assert_eq!(error.to_string(), "no gram.other");
}

#[test]
fn headings_have_the_anchors_that_mdbook_gives_them() {
    assert_eq!(
        heading_anchors("# Why `im2col`?\n\n## 3×3, by hand"),
        ["why-im2col", "33-by-hand"]
    );
}
