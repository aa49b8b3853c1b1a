//! Sums in several orders, and the bytes of a gradient on several numbers of threads.

use crate::charts::{COLORS, FONT};
use crate::drawings::Drawings;
use crate::numbers::{digits, scientific};
use crate::sketches::{CAT, NIGHT, Study, pixels, preset};
use anyhow::Result;
use impasto::engine::{Cpu, EngineKind};
use impasto::method::{Adam, BigArray};
use impasto::painting::Settings;
use ndarray::Array3;
use plotters::prelude::*;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be read or written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    let numbers = numbers();
    orders(out, &numbers)?;
    by_threads(out, &numbers)?;
    gradients(out)
}

/// A hundred thousand numbers between 0 and 1.
fn numbers() -> Vec<f32> {
    let mut noise = Pcg64Mcg::seed_from_u64(1);
    (0..100_000)
        .map(|_| noise.random_range(0.0f32..1.0))
        .collect()
}

/// Their sum, one after the other, in many orders.
fn orders(out: &mut Drawings, numbers: &[f32]) -> Result<()> {
    const ORDERS: usize = 2000;
    let exact: f64 = numbers.iter().map(|&x| f64::from(x)).sum();
    let mut noise = Pcg64Mcg::seed_from_u64(2);
    let mut shuffled = numbers.to_vec();
    let mut found: BTreeMap<i64, usize> = BTreeMap::new();
    // Near 50 000 the numbers of f32 are 1/256 apart.
    const UNIT: f64 = 1.0 / 256.0;
    for _ in 0..ORDERS {
        shuffled.shuffle(&mut noise);
        let sum: f32 = shuffled.iter().sum();
        *found
            .entry(((f64::from(sum) - exact) / UNIT).round() as i64)
            .or_default() += 1;
    }
    out.number("orders", ORDERS);
    out.number("different_sums", found.len());
    out.number("exact", digits(exact, 8));
    let (first, last) = (
        found.keys().next().copied().unwrap_or(0),
        found.keys().last().copied().unwrap_or(0),
    );
    out.number("spread", digits((last - first) as f64 * UNIT, 2));
    let (low, high) = (first as f64 * UNIT, last as f64 * UNIT);
    let bins = 60;
    let width = (high - low) / f64::from(bins);
    let mut counts = vec![0; bins as usize];
    for (&at, &count) in &found {
        let bin = ((at as f64 * UNIT - low) / width) as usize;
        counts[bin.min(bins as usize - 1)] += count;
    }
    let most = counts.iter().copied().max().unwrap_or(1) as f64;
    out.plot("orders", (920, 360), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(60)
            .build_cartesian_2d(low.min(-0.5)..high.max(0.5), 0.0..1.1 * most)?;
        (chart.configure_mesh())
            .disable_x_mesh()
            .x_desc("sum in f32, less the sum in f64")
            .y_desc("orders")
            .label_style(FONT)
            .axis_desc_style(FONT)
            .light_line_style(WHITE)
            .draw()?;
        chart.draw_series(counts.iter().enumerate().map(|(bin, &count)| {
            let left = low + width * bin as f64;
            Rectangle::new(
                [(left, 0.0), (left + 0.9 * width, count as f64)],
                COLORS[0].filled(),
            )
        }))?;
        chart.draw_series([PathElement::new(
            [(0.0, 0.0), (0.0, 1.1 * most)],
            COLORS[1].stroke_width(2),
        )])?;
        Ok(())
    })
}

/// The sum by a part for each thread, and the sum as the project computes it.
fn by_threads(out: &mut Drawings, numbers: &[f32]) -> Result<()> {
    let array = Array3::from_shape_vec((1, numbers.len(), 1), numbers.to_vec())?;
    let ones = BigArray::from(Array3::ones(array.dim()));
    let array = BigArray::from(array);
    let mut table = "| threads | a part for each thread, in f32 | inner product with ones (`BigArray::inner`) |\n|---|---|---|\n".to_owned();
    for threads in 1..=4usize {
        let parts = numbers.chunks(numbers.len().div_ceil(threads));
        let sum: f32 = parts.map(|part| part.iter().sum::<f32>()).sum();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()?;
        let ours = pool.install(|| array.inner(&ones));
        writeln!(
            table,
            "| {threads} | {sum} (`{:08x}`) | {ours:.6} (`{:016x}`) |",
            sum.to_bits(),
            ours.to_bits()
        )?;
    }
    out.markdown("sums", &table)
}

/// The bits of all elements, as one number (FNV-1a).
fn hash(x: &Array3<f32>) -> u64 {
    let bytes = x.iter().flat_map(|x| x.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The first gradient, and the picture after a few steps, on several numbers of threads and with each instruction set.
fn gradients(out: &mut Drawings) -> Result<()> {
    const STEPS: usize = 5;
    let photograph = pixels(CAT, 96, 64)?;
    let painting = pixels(NIGHT, 96, 76)?;
    let settings = preset("classic", 96)?;
    let mut table = "| instructions | threads | hash of the first gradient | hash of the picture after the steps |\n|---|---|---|---|\n".to_owned();
    let mut first = None;
    let mut farthest = 0.0f64;
    let mut cases: Vec<_> = (1..=3).map(|threads| (Cpu::widest(), threads)).collect();
    cases.extend(
        Cpu::all()
            .into_iter()
            .filter(|cpu| *cpu != Cpu::widest())
            .map(|cpu| (cpu, 2)),
    );
    for (cpu, threads) in cases {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()?;
        let (gradient, picture) =
            pool.install(|| painted(cpu, &settings, &photograph, &painting, STEPS))?;
        writeln!(
            table,
            "| {} | {threads} | `{:016x}` | `{:016x}` |",
            cpu.name(),
            hash(&gradient),
            hash(&picture)
        )?;
        let first = first.get_or_insert_with(|| gradient.clone());
        farthest = farthest.max(crate::sketches::relative_distance(&gradient, first));
    }
    out.number("steps", STEPS);
    out.number("instructions_distance", scientific(farthest));
    out.markdown("hashes", &table)
}

/// The first gradient, and the picture after some steps of Adam.
fn painted(
    cpu: Cpu,
    settings: &Settings,
    photograph: &Array3<f32>,
    painting: &Array3<f32>,
    steps: usize,
) -> Result<(Array3<f32>, Array3<f32>)> {
    let study = Study::on(EngineKind::Fast(cpu), settings, photograph, painting)?;
    let mut x = BigArray::from(photograph.clone());
    let mut adam = Adam::new(&x, settings.learning_rate);
    let mut first = None;
    for _ in 0..steps {
        let (_, gradient) = study.evaluate(&x.to_array());
        first.get_or_insert_with(|| gradient.clone());
        adam.step(&mut x, &gradient.into());
    }
    Ok((first.unwrap_or_default(), x.into_array()))
}
