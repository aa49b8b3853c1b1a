//! What `cargo test -p exercises` runs: a line for each exercise, and what is wrong with it.
//!
//! `cargo test -p exercises -- relu` shows the exercises with `relu` in their names. The exit code is 0 if all that are shown are right.
//! `--untouched` expects that none has been begun, as in a fresh copy.

mod checks;

use checks::{Verdict, iteration, losses, operations, optimizers, winograd};
use exercises as own;
use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

/// An exercise, in the order in which they build on each other.
struct Exercise {
    /// The name of its file in src/.
    name: &'static str,
    /// Where it belongs in the book.
    chapters: &'static str,
    /// Its functions.
    parts: Vec<Part>,
}

/// The name of a function, and its check.
type Part = (&'static str, fn() -> Verdict);

fn exercises() -> Vec<Exercise> {
    let exercise = |name, chapters, parts: &[Part]| Exercise {
        name,
        chapters,
        parts: parts.to_vec(),
    };
    vec![
        exercise(
            "convolution",
            "chapter 2",
            &[("forward", || {
                operations::convolution(&own::convolution::forward)
            })],
        ),
        exercise(
            "relu",
            "chapters 3 and 4",
            &[
                ("forward", || operations::rectifier(&own::relu::forward)),
                ("backward", || {
                    operations::rectifier_backward(&own::relu::backward)
                }),
            ],
        ),
        exercise(
            "pooling",
            "chapters 3 and 4",
            &[
                ("forward", || operations::pooling(&own::pooling::forward)),
                ("backward", || {
                    operations::pooling_backward(&own::pooling::backward)
                }),
            ],
        ),
        exercise(
            "convolution_backward",
            "chapters 2 and 4",
            &[("backward", || {
                operations::convolution_backward(&own::convolution_backward::backward)
            })],
        ),
        exercise(
            "gram",
            "chapter 5",
            &[("matrix", || losses::gram_matrix(&own::gram::matrix))],
        ),
        exercise(
            "gram_loss",
            "chapters 5 and 6",
            &[("value_and_gradient", || {
                losses::gram_loss(&own::gram_loss::value_and_gradient)
            })],
        ),
        exercise(
            "content_loss",
            "chapter 6",
            &[("value_and_gradient", || {
                losses::content_loss(&own::content_loss::value_and_gradient)
            })],
        ),
        exercise(
            "total_variation",
            "chapter 6",
            &[("gradient", || {
                losses::total_variation(&own::total_variation::gradient)
            })],
        ),
        exercise(
            "adam",
            "chapter 7",
            &[("step", || optimizers::adam(&own::adam::step))],
        ),
        exercise(
            "lbfgs",
            "chapter 7",
            &[("direction", || optimizers::lbfgs(&own::lbfgs::direction))],
        ),
        exercise(
            "winograd",
            "chapter 10",
            &[("inputs, kernel and outputs", || {
                winograd::winograd(
                    &own::winograd::inputs,
                    &own::winograd::kernel,
                    &own::winograd::outputs,
                )
            })],
        ),
        exercise(
            "iteration",
            "chapters 2 to 7",
            &[
                ("loss_and_gradient", || {
                    iteration::gradient(&own::iteration::loss_and_gradient)
                }),
                ("iterate", || {
                    iteration::iterations(&own::iteration::iterate)
                }),
            ],
        ),
    ]
}

/// How far a function is.
#[derive(PartialEq)]
enum State {
    Right,
    /// It ends in a `todo!`.
    Open,
    Wrong(String),
}

/// Runs a check. A panic of the function that is checked is a state, too.
fn state(check: fn() -> Verdict) -> State {
    let seen = Arc::new(Mutex::new(String::new()));
    let for_hook = seen.clone();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info: &PanicHookInfo| {
        let place = info
            .location()
            .map(|at| format!("{}:{}", at.file(), at.line()));
        let message = info.payload_as_str().unwrap_or("no message");
        // The first line says what happened.
        let message = message.lines().next().unwrap_or_default();
        *for_hook.lock().unwrap() = format!("{message} ({})", place.unwrap_or_default());
    }));
    let result = panic::catch_unwind(check);
    panic::set_hook(before);
    match result {
        Ok(Ok(())) => State::Right,
        Ok(Err(wrong)) => State::Wrong(wrong),
        Err(_) => match seen.lock().unwrap().as_str() {
            text if text.starts_with("not yet implemented") => State::Open,
            text if text.contains("subtract with overflow") => State::Wrong(format!(
                "it panicked: {text}: an unsigned number would be below 0"
            )),
            text => State::Wrong(format!("it panicked: {text}")),
        },
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let untouched = arguments.iter().any(|argument| argument == "--untouched");
    let names: Vec<_> = arguments
        .iter()
        .filter(|name| !name.starts_with('-'))
        .collect();
    let mut all = exercises();
    all.retain(|exercise| {
        names.is_empty()
            || names
                .iter()
                .any(|name| exercise.name.contains(name.as_str()))
    });
    if all.is_empty() {
        println!("no exercise has {names:?} in its name");
        return ExitCode::FAILURE;
    }
    println!();
    let (mut right, mut open, mut next) = (0, 0, None);
    for (number, exercise) in exercises().iter().enumerate() {
        if !all.iter().any(|chosen| chosen.name == exercise.name) {
            continue;
        }
        let states: Vec<_> = exercise
            .parts
            .iter()
            .map(|&(name, check)| (name, state(check)))
            .collect();
        let count = |wanted: &State| states.iter().filter(|(_, state)| state == wanted).count();
        let done = count(&State::Right) == states.len();
        let begun = count(&State::Open) < states.len();
        let wrong = states
            .iter()
            .any(|(_, state)| matches!(state, State::Wrong(_)));
        let summary = match (done, begun, wrong) {
            (true, ..) => "done",
            (_, false, _) => "not done yet",
            (.., false) => "begun",
            (.., true) => "wrong",
        };
        println!("{:2}  {:22} {summary}", number + 1, exercise.name);
        right += usize::from(done);
        open += usize::from(!begun);
        if !done {
            next = next.or(Some((exercise.name, exercise.chapters)));
        }
        for (name, state) in states.iter().filter(|_| begun && !done) {
            match state {
                State::Right => println!("      {name} is right"),
                State::Open => println!("      {name} is not done yet"),
                State::Wrong(wrong) => println!("      {name} is wrong: {wrong}"),
            }
        }
    }
    println!("\n{right} of {} done", all.len());
    if let Some((name, chapters)) = next {
        println!("Next: exercises/src/{name}.rs ({chapters} of the book)");
    }
    println!();
    match (untouched, right == all.len(), open == all.len()) {
        (true, _, true) | (false, true, _) => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
