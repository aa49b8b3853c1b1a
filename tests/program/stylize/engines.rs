//! `impasto stylize --engine`, and the instruction sets that IMPASTO_CPU names.

use crate::workplace::{SMALL, Workplace, said};
use impasto::engine::Cpu;

/// The test uses Adam, whose steps depend smoothly on the gradient. In L-BFGS a difference in the last digit may become another
/// step.
#[test]
fn both_engines_reach_the_same_losses() {
    let place = Workplace::new();
    let run = |engine: &str| {
        let arguments = "-o out.png --size 80x61 --preset classic --iterations 20 --init content --log log.jsonl";
        let mut command = place.stylize(&format!("{arguments} --engine {engine}"));
        command.assert().success();
        place.log("log.jsonl")
    };
    for (fast, reference) in run("fast").iter().zip(run("reference")) {
        let ratio = fast["total"].as_f64().unwrap() / reference["total"].as_f64().unwrap();
        assert!((ratio - 1.0).abs() < 0.01, "{fast} {reference}");
    }
}

/// Every instruction set of this machine gives the losses of the one that all machines have.
#[test]
fn the_environment_chooses_the_instruction_set() {
    let place = Workplace::new();
    let run = |cpu: &str| {
        let mut command = place
            .stylize("-o out.png --size 48x40 --iterations 5 --style-loss gram --log log.jsonl -v");
        command.env("IMPASTO_CPU", cpu);
        let said = said(command);
        assert!(said.contains(&format!("fast ({cpu}) engine")), "{said}");
        place.log("log.jsonl")
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
fn an_instruction_set_that_the_machine_lacks_is_refused() {
    let place = Workplace::new();
    let absent = if cfg!(target_arch = "aarch64") {
        "avx2"
    } else {
        "neon"
    };
    let reason = format!("IMPASTO_CPU: this machine has no {absent}; it has ");
    for (cpu, reason) in [
        (absent, reason.as_str()),
        (
            "AVX2",
            "IMPASTO_CPU: \"AVX2\" is not an instruction set; write one of avx512, avx2, neon, portable",
        ),
    ] {
        let mut paint = place.stylize(SMALL);
        paint.env("IMPASTO_CPU", cpu);
        let mut bench = place.impasto("bench --size 32x32");
        bench.env("IMPASTO_CPU", cpu);
        for command in [paint, bench] {
            let line = place.refusal(command);
            assert!(line.contains(reason), "{line}");
        }
    }
    // The reference engine uses none.
    let mut plain = place.stylize(&format!("{SMALL} --engine reference"));
    plain.env("IMPASTO_CPU", absent).assert().success();
}
