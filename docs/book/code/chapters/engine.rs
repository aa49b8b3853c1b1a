//! What a core can do and what it reaches, and how exact Winograd's algorithm is.

use crate::charts::{Axis, Curve, curves};
use crate::drawings::Drawings;
use crate::numbers::{digits, scientific};
use anyhow::{Context, Result};
use impasto::engine::fast::peak_rate;
use impasto::engine::{Cpu, EngineKind};
use impasto::method::{Padding, conv, relu};
use ndarray::{Array1, Array2, Array3, Array4, ArrayBase, Dimension, OwnedRepr, ShapeBuilder, s};
use plotters::prelude::SeriesLabelPosition;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use std::fmt::Write;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

/// Draws the figures of the chapter.
///
/// # Errors
/// If a file cannot be written.
pub fn draw(out: &mut Drawings) -> Result<()> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let cpu = Cpu::widest();
    out.number("machine", machine());
    out.number("instructions", cpu.name());
    // The best of several, since other programs take time of the core too.
    let peaks = (0..3).map(|_| pool.install(|| peak_rate(cpu)) / 1e9);
    let peak = peaks.fold(0.0, f64::max);
    out.number("peak", digits(peak, 3));
    pool.install(|| products(out, cpu, peak))?;
    pool.install(|| layers(out, cpu, peak))?;
    errors(out, cpu)
}

/// The name of the CPU, as Linux knows it.
fn machine() -> String {
    let all = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut lines = all.lines().filter(|line| line.starts_with("model name"));
    let name = lines.next().and_then(|line| line.split_once(": "));
    name.map_or("a CPU without a name", |(_, name)| name)
        .to_owned()
}

/// Numbers like those after a ReLU: half of them are 0, the others between 0 and 1.
fn activations<D: Dimension, S: ShapeBuilder<Dim = D>>(
    shape: S,
    seed: u64,
) -> ArrayBase<OwnedRepr<f32>, D, f32> {
    let mut noise = Pcg64Mcg::seed_from_u64(seed);
    ArrayBase::from_shape_simple_fn(shape, || noise.random_range(-1.0f32..1.0).max(0.0))
}

/// Seconds of the fastest of a few calls.
fn seconds(mut work: impl FnMut()) -> f64 {
    work();
    let mut best = f64::INFINITY;
    for _ in 0..4 {
        let begin = Instant::now();
        work();
        best = best.min(begin.elapsed().as_secs_f64());
    }
    best
}

/// C = A·B, row times column.
fn by_definition(a: &Array2<f32>, b: &Array2<f32>) -> Array2<f32> {
    let (depth, columns) = b.dim();
    let (a_rows, b_rows) = (
        a.as_slice().expect("a new matrix"),
        b.as_slice().expect("a new matrix"),
    );
    Array2::from_shape_fn((a.nrows(), columns), |(i, j)| {
        let terms = (0..depth).map(|k| a_rows[i * depth + k] * b_rows[k * columns + j]);
        terms.sum()
    })
}

/// The same, with the loops in another order, so that rows of B and C are read in memory order.
fn by_rows(a: &Array2<f32>, b: &Array2<f32>) -> Array2<f32> {
    let mut c = Array2::zeros((a.nrows(), b.ncols()));
    for (mut c, a) in c.rows_mut().into_iter().zip(a.rows()) {
        let c = c.as_slice_mut().expect("a row");
        for (&a, b) in a.iter().zip(b.rows()) {
            let b = b.to_slice().expect("a row");
            c.iter_mut().zip(b).for_each(|(c, &b)| *c += a * b);
        }
    }
    c
}

/// Larger products would take seconds.
const LONGEST_BY_DEFINITION: usize = 256;

/// How many multiplications and additions a second matrix products reach.
fn products(out: &mut Drawings, cpu: Cpu, peak: f64) -> Result<()> {
    let engine = EngineKind::Fast(cpu).build::<f32>();
    let (mut plain, mut rows, mut fast) = (Vec::new(), Vec::new(), Vec::new());
    for n in [32, 64, 128, 256, 512] {
        let (a, b) = (activations((n, n), 1), activations((n, n), 2));
        let rate = |seconds: f64| (n as f64, 2.0 * (n as f64).powi(3) / seconds / 1e9);
        if n <= LONGEST_BY_DEFINITION {
            plain.push(rate(seconds(|| {
                black_box(by_definition(&a, &b));
            })));
        }
        rows.push(rate(seconds(|| {
            black_box(by_rows(&a, &b));
        })));
        fast.push(rate(seconds(|| {
            let product = engine.product(a.view(), b.view());
            engine.recycle_matrix(black_box(product));
        })));
    }
    let last = |rates: &[(f64, f64)]| rates.last().map_or(0.0, |rate| rate.1);
    out.number("plain_rate", digits(last(&plain), 2));
    out.number("rows_rate", digits(last(&rows), 2));
    out.number("fast_rate", digits(last(&fast), 2));
    out.number("fast_share", format!("{:.0} %", 100.0 * last(&fast) / peak));
    out.plot("products", (920, 420), |area| {
        curves(
            area,
            &Axis::log("n, of matrices n×n", 28.0..600.0),
            &Axis::log("10⁹ operations a second", 0.02..peak * 2.0),
            &[
                Curve::line(
                    "peak: in registers alone",
                    vec![(28.0, peak), (600.0, peak)],
                ),
                Curve::marked("the engine's product", fast.clone()),
                Curve::marked("loops in memory order", rows.clone()),
                Curve::marked("row times column", plain.clone()),
            ],
            SeriesLabelPosition::LowerRight,
        )
    })
}

/// Layers of VGG for a picture of 256×192: their work, and how fast one core does it.
fn layers(out: &mut Drawings, cpu: Cpu, peak: f64) -> Result<()> {
    let engine = EngineKind::Fast(cpu).build::<f32>();
    let mut table = "| layer | input | direct, 10⁶ multiply-adds | Winograd, 10⁶ | multiply-adds for each byte | ms | direct work ÷ time ÷ peak |\n\
                     |---|---|---|---|---|---|---|\n".to_owned();
    for (name, height, width, cin, cout) in [
        ("conv1_1", 192, 256, 3, 64),
        ("conv1_2", 192, 256, 64, 64),
        ("conv2_2", 96, 128, 128, 128),
        ("conv3_2", 48, 64, 256, 256),
        ("conv4_2", 24, 32, 512, 512),
    ] {
        let kernel: Array4<f32> = activations((3, 3, cin, cout), 3);
        let bias = Array1::zeros(cout);
        let conv = engine.conv_relu(&kernel, &bias, Padding::Zero);
        let x = Arc::new(activations((height, width, cin), 4));
        let time = seconds(|| {
            let pass = conv.forward(&x);
            drop(pass.back);
            engine.recycle(black_box(Arc::unwrap_or_clone(pass.output)));
        });
        let direct = (9 * height * width * cin * cout) as f64;
        // 36 products for each tile of 4×4 outputs; or, with this many channels, 48 for each of 4×6 if these are fewer.
        let wide = if cpu.name() == "avx512" { 256 } else { 128 };
        let products =
            |columns: usize| (width.div_ceil(columns) * height.div_ceil(4)) * 6 * (columns + 2);
        let products = if cin >= wide {
            products(4).min(products(6))
        } else {
            products(4)
        };
        let winograd = match cin {
            3 => "–".to_owned(),
            _ => digits((products * cin * cout) as f64 / 1e6, 3),
        };
        let bytes = 4.0 * (height * width * (cin + cout) + 9 * cin * cout) as f64;
        writeln!(
            table,
            "| {name} | {height}×{width}×{cin} | {} | {winograd} | {} | {} | {:.0} % |",
            digits(direct / 1e6, 3),
            digits(direct / bytes, 2),
            digits(1e3 * time, 2),
            100.0 * 2.0 * direct / time / (1e9 * peak),
        )?;
    }
    out.markdown("layers", &table)
}

/// The matrices of F(m, 3): Aᵀ (m×n), G (n×3) and Bᵀ (n×n) with n = m + 2, for these finite points and ∞.
struct Transforms {
    a: Array2<f64>,
    g: Array2<f64>,
    b: Array2<f64>,
}

impl Transforms {
    fn of(m: usize, points: &[f64]) -> Self {
        let n = m + 2;
        assert_eq!(points.len() + 1, n, "n − 1 finite points");
        // The coefficients of ∏ (x − q) over these points, the constant first.
        let product = |points: &mut dyn Iterator<Item = f64>| {
            points.fold(vec![1.0], |product, q| {
                let mut next = vec![0.0; product.len() + 1];
                for (k, c) in product.iter().enumerate() {
                    next[k + 1] += c;
                    next[k] -= q * c;
                }
                next
            })
        };
        let mut transforms = Self {
            a: Array2::zeros((m, n)),
            g: Array2::zeros((n, 3)),
            b: Array2::zeros((n, n)),
        };
        for (row, &p) in points.iter().enumerate() {
            let others = || points.iter().copied().filter(|&q| q != p);
            let scale: f64 = others().map(|q| p - q).product();
            (0..m).for_each(|i| transforms.a[[i, row]] = p.powi(i as i32));
            (0..3).for_each(|k| transforms.g[[row, k]] = p.powi(k as i32) / scale);
            for (k, c) in product(&mut others()).into_iter().enumerate() {
                transforms.b[[row, k]] = c;
            }
        }
        transforms.a[[m - 1, n - 1]] = 1.0;
        transforms.g[[n - 1, 2]] = 1.0;
        for (k, c) in product(&mut points.iter().copied()).into_iter().enumerate() {
            transforms.b[[n - 1, k]] = c;
        }
        transforms
    }

    /// Its matrices in f32.
    fn rounded(&self) -> [Array2<f32>; 3] {
        [&self.a, &self.g, &self.b].map(|matrix| matrix.mapv(|x| x as f32))
    }
}

/// One way to convolve a tile: of the input and the kernel.
type Convolve<'a> = &'a dyn Fn(&Array3<f32>, &Array3<f32>) -> Array2<f32>;

/// The relative error of F(m×n, 3×3) with several points, in f32 against f64; and that of the engine.
fn errors(out: &mut Drawings, cpu: Cpu) -> Result<()> {
    const CHANNELS: usize = 128;
    const TILES: u64 = 12;
    let root = 0.5f64.sqrt();
    let two = Transforms::of(2, &[0.0, 1.0, -1.0]);
    let textbook = Transforms::of(4, &[0.0, 1.0, -1.0, 2.0, -2.0]);
    let four = Transforms::of(4, &[0.0, root, -root, 1.0 / root, -1.0 / root]);
    let six = Transforms::of(6, &[0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0]);
    let cases = [
        ("F(2×2, 3×3)", "0, ±1", [&two, &two]),
        (
            "F(4×4, 3×3)",
            "0, ±1, ±2, as in textbooks",
            [&textbook, &textbook],
        ),
        ("F(4×4, 3×3)", "0, ±√½, ±√2", [&four, &four]),
        (
            "F(4×6, 3×3)",
            "down 0, ±√½, ±√2, across 0, ±½, ±1, ±2",
            [&four, &six],
        ),
        ("F(6×6, 3×3)", "0, ±½, ±1, ±2", [&six, &six]),
    ];
    let mut table = "| algorithm | finite points | products for an output | relative error |\n|---|---|---|---|\n".to_owned();
    let mut noise = Pcg64Mcg::seed_from_u64(9);
    let mut kernel_of =
        || Array3::from_shape_simple_fn((3, 3, CHANNELS), || noise.random_range(-0.1f32..0.1));
    let kernels: Vec<Array3<f32>> = (0..TILES).map(|_| kernel_of()).collect();
    let mut measure = |name: &str,
                       points: &str,
                       products: f64,
                       tile: Convolve,
                       inputs: [usize; 2]|
     -> Result<f64> {
        let (mut off, mut all) = (0.0, 0.0);
        for (seed, kernel) in (20..).zip(&kernels) {
            let d: Array3<f32> = activations((inputs[0], inputs[1], CHANNELS), seed);
            let exact = exact(&d, kernel);
            for (found, exact) in tile(&d, kernel).iter().zip(&exact) {
                off += (f64::from(*found) - exact).powi(2);
                all += exact * exact;
            }
        }
        let error = (off / all).sqrt();
        writeln!(
            table,
            "| {name} | {points} | {} | {} |",
            digits(products, 3),
            scientific(error)
        )?;
        Ok(error)
    };
    measure("direct", "", 9.0, &direct, [6, 6])?;
    let mut of_points = Vec::new();
    for (name, points, transforms) in cases {
        let inputs = transforms.map(|along| along.b.nrows());
        let products = inputs.map(|n| n as f64 / (n - 2) as f64);
        let tile = |d: &Array3<f32>, kernel: &Array3<f32>| winograd(transforms, d, kernel);
        of_points.push(measure(
            name,
            points,
            products[0] * products[1],
            &tile,
            inputs,
        )?);
    }
    out.number("points_gain", digits(of_points[1] / of_points[2], 2));
    out.markdown("errors", &table)?;
    // The engine's convolution against the plain one in f64.
    let kernel: Array4<f32> =
        Array4::from_shape_simple_fn((3, 3, CHANNELS, 512), || noise.random_range(-0.1f32..0.1));
    let bias = Array1::zeros(512);
    let x: Array3<f32> = activations((48, 48, CHANNELS), 40);
    let engine = EngineKind::Fast(cpu).build::<f32>();
    let fast = engine.conv_relu(&kernel, &bias, Padding::Zero);
    let found = fast.forward(&Arc::new(x.clone())).output;
    let wide = |bias: &Array1<f32>| bias.mapv(f64::from);
    let exact = relu::forward(conv::forward(
        &x.mapv(f64::from),
        &kernel.mapv(f64::from),
        &wide(&bias),
        Padding::Zero,
    ));
    let off: f64 = found
        .iter()
        .zip(&exact)
        .map(|(a, b)| (f64::from(*a) - b).powi(2))
        .sum();
    let error = (off / exact.iter().map(|b| b * b).sum::<f64>()).sqrt();
    out.number("engine_error", scientific(error));
    // F(2, 3) by hand, for the text.
    out.markdown(
        "matrices",
        &matrices(&two).context("the matrices of F(2, 3)")?,
    )
}

/// One tile of the outputs of a kernel 3×3×C, in f32, with these transforms down and across.
fn winograd(transforms: [&Transforms; 2], d: &Array3<f32>, kernel: &Array3<f32>) -> Array2<f32> {
    let [[a, g, b], [a2, g2, b2]] = transforms.map(Transforms::rounded);
    let mut sum = Array2::zeros((b.nrows(), b2.nrows()));
    for c in 0..d.dim().2 {
        let inputs = b.dot(&d.slice(s![.., .., c])).dot(&b2.t());
        let taps = g.dot(&kernel.slice(s![.., .., c])).dot(&g2.t());
        sum += &(inputs * taps);
    }
    a.dot(&sum).dot(&a2.t())
}

/// The outputs of a tile in f64.
fn exact(d: &Array3<f32>, kernel: &Array3<f32>) -> Array2<f64> {
    let (height, width, _) = d.dim();
    Array2::from_shape_fn((height - 2, width - 2), |(i, j)| {
        let patch = d.slice(s![i..i + 3, j..j + 3, ..]);
        let pairs = patch.iter().zip(kernel);
        pairs.map(|(&d, &g)| f64::from(d) * f64::from(g)).sum()
    })
}

/// The same in f32, term after term.
fn direct(d: &Array3<f32>, kernel: &Array3<f32>) -> Array2<f32> {
    let (height, width, _) = d.dim();
    Array2::from_shape_fn((height - 2, width - 2), |(i, j)| {
        let patch = d.slice(s![i..i + 3, j..j + 3, ..]);
        patch.iter().zip(kernel).map(|(d, g)| d * g).sum()
    })
}

/// The matrices as a formula.
fn matrices(transforms: &Transforms) -> Result<String> {
    let mut text = "$$".to_owned();
    let named = [
        ("A^T", &transforms.a),
        ("G", &transforms.g),
        ("B^T", &transforms.b),
    ];
    for (name, matrix) in named {
        write!(text, "{name} = \\begin{{pmatrix}} ")?;
        for (at, row) in matrix.rows().into_iter().enumerate() {
            let numbers: Vec<_> = row.iter().map(|x| fraction(*x)).collect();
            let end = if at + 1 < matrix.nrows() {
                " \\\\ "
            } else {
                " "
            };
            write!(text, "{}{end}", numbers.join(" & "))?;
        }
        write!(text, "\\end{{pmatrix}} \\quad ")?;
    }
    Ok(text + "$$\n")
}

/// A whole number, or a half.
fn fraction(x: f64) -> String {
    if x.fract() == 0.0 {
        format!("{}", x as i64)
    } else {
        let sign = if x < 0.0 { "-" } else { "" };
        format!("{sign}\\tfrac{{{}}}{{2}}", (2.0 * x.abs()) as i64)
    }
}
