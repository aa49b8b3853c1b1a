//! `impasto bench`.

use crate::workplace::{Workplace, printed};
use impasto::engine::Cpu;
use serde_json::Value;

#[test]
fn the_benchmark_prints_the_time_of_an_iteration_and_of_its_parts() {
    let place = Workplace::new();
    let command = "bench --size 64x48 --iterations 3 --threads 2 --network vgg19";
    let said = printed(place.impasto(command));
    for line in [
        "conv5_1 ",
        "forward ",
        "losses ",
        "backward ",
        "the products run at ",
        "s an iteration",
        "300 iterations",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
}

#[test]
fn the_benchmark_prints_json() {
    let place = Workplace::new();
    for (engine, cpu) in [
        ("fast", Cpu::widest().name()),
        ("reference", std::env::consts::ARCH),
    ] {
        let command = "bench --size 64x48 --iterations 2 --threads 1 --json";
        let said = printed(place.impasto(&format!("{command} --engine {engine}")));
        let report: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(report["preset"], "classic");
        assert_eq!(report["engine"], engine);
        assert_eq!(report["cpu"], cpu);
        assert_eq!(report["size"], "64x48");
        assert_eq!(report["network"], "VGG-16");
        assert_eq!(report["threads"], 1);
        assert_eq!(report["iterations"], 2);
        check_memory(&report);
        check_times(&report);
    }
}

#[test]
fn the_benchmark_measures_any_recipe() {
    let place = Workplace::new();
    place.write("mine.toml", "optimizer = 'adam'\nlearning-rate = 3.0\n");
    for preset in ["default", "crowsonkb", "strotss", "nnst", "mine.toml"] {
        let command = format!("bench --preset {preset} --size 64x48 --iterations 2 --json");
        let report: Value = serde_json::from_str(&printed(place.impasto(&command))).unwrap();
        let seconds = |value: &Value| value.as_f64().unwrap();
        assert_eq!(report["preset"], preset);
        assert_eq!(report["size"], "64x48");
        assert!(seconds(&report["set_up_seconds"]) > 0.0, "{report}");
        let phases = ["forward", "losses", "backward", "optimizer"];
        let of_phases = phases.map(|phase| seconds(&report["phases"][phase]));
        assert!(of_phases.iter().all(|&phase| phase > 0.0), "{report}");
        // Only the method nearest has iterations of two kinds.
        let split = &report["split"];
        assert_eq!(split.is_null(), preset != "nnst", "{report}");
        assert!(split.is_null() || seconds(&split["median_seconds"]) > 0.0);
        check_memory(&report);
    }
    let line = place.refusal(place.impasto("bench --preset nothing"));
    assert!(line.starts_with("error: --preset: nothing: "), "{line}");
}

/// Where the system tells it: more than the kernels take, less than a gigabyte.
fn check_memory(report: &Value) {
    if cfg!(unix) {
        let bytes = report["peak_memory_bytes"].as_u64().unwrap();
        assert!((50_000_000..1_000_000_000).contains(&bytes), "{bytes}");
    }
}

/// All times are medians of a few iterations: a sum of medians need not be the median of the sums.
fn check_times(report: &Value) {
    let seconds = |value: &Value| value.as_f64().unwrap();
    let median = seconds(&report["median_seconds"]);
    let least = seconds(&report["min_seconds"]);
    assert!(0.0 < least && least <= median);
    let layers = report["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 15);
    assert_eq!(layers[14]["name"], "conv5_1");
    let forward = layers
        .iter()
        .map(|layer| seconds(&layer["forward_seconds"]));
    let of_layers: f64 = forward.sum();
    assert!(0.0 < of_layers && of_layers < 2.0 * median, "{report}");
    let phases = ["forward", "losses", "backward", "optimizer"];
    let of_phases: f64 = phases
        .map(|phase| seconds(&report["phases"][phase]))
        .iter()
        .sum();
    assert!(
        (0.5 * median..2.0 * median).contains(&of_phases),
        "{report}"
    );
}

#[test]
fn a_benchmark_of_a_senseless_size_is_refused() {
    let place = Workplace::new();
    let line = place.refusal(place.impasto("bench --size 8x8"));
    assert!(
        line.contains("8x8 is too small for layer conv5_1"),
        "{line}"
    );
    let line = place.refusal(place.impasto("bench --size 30000x30000 --memory 1G"));
    assert!(line.contains("GB of memory"), "{line}");
}
