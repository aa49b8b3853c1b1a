//! Convolution, ReLU and pooling.

use super::{Comparison, Verdict};
use impasto::gradients::operands::{SIZES, distinct, inner, random};
use impasto::method::pool::Pooling::{Average, Max};
use impasto::method::{Padding, conv, pool, relu};
use ndarray::{Array1, Array3, Array4, s};

type Conv<'a> = &'a dyn Fn(&Array3<f64>, &Array4<f64>, &Array1<f64>) -> Array3<f64>;

fn plain(x: &Array3<f64>, kernel: &Array4<f64>, bias: &Array1<f64>) -> Array3<f64> {
    conv::forward(x, kernel, bias, Padding::Zero)
}

/// Heights and widths. In a single row or column several mistakes look the same, so that these do not come first.
fn sizes() -> impl Iterator<Item = (usize, usize)> {
    [(3, 4), (4, 6)].into_iter().chain(SIZES)
}

/// Input and output channels. Where they are equal, wrongly arranged ones give a wrong number and not a wrong shape, and come first.
const CHANNELS: [(usize, usize); 4] = [(1, 1), (2, 2), (3, 2), (2, 5)];

fn reversed(kernel: &Array4<f64>) -> Array4<f64> {
    kernel.slice(s![..;-1, ..;-1, .., ..]).to_owned()
}

fn transposed(kernel: &Array4<f64>) -> Array4<f64> {
    let transposed = kernel.view().permuted_axes([1, 0, 2, 3]);
    transposed.as_standard_layout().into_owned()
}

/// The forward pass.
pub fn convolution(f: Conv) -> Verdict {
    for (cin, cout) in CHANNELS {
        for (h, w) in sizes() {
            let (x, bias) = (random((h, w, cin), 1), random(cout, 2));
            let kernel = random((3, 3, cin, cout), 3);
            // From the position of the output on, instead of around it.
            let mut beyond = Array3::zeros((h + 1, w + 1, cin));
            beyond.slice_mut(s![..h, ..w, ..]).assign(&x);
            let shifted = plain(&beyond, &kernel, &bias)
                .slice(s![1.., 1.., ..])
                .to_owned();
            Comparison::of("y", format!("x is {h}×{w}, {cin} to {cout} channels"))
                .suspect(
                    "is the bias added?",
                    plain(&x, &kernel, &Array1::zeros(cout)),
                )
                .suspect(
                    "the kernel is rotated: networks do without; k[0, 0] belongs to x[i−1, j−1]",
                    plain(&x, &reversed(&kernel), &bias),
                )
                .suspect(
                    "p counts rows and q columns: are they exchanged?",
                    plain(&x, &transposed(&kernel), &bias),
                )
                .suspect(
                    "the kernel reads from x[i, j] on: is the −1 in x[i+p−1, j+q−1] missing?",
                    shifted,
                )
                .suspect(
                    "beyond the edges x is 0, and not what is at the opposite edge",
                    conv::forward(&x, &kernel, &bias, Padding::Circular),
                )
                .suspect(
                    "beyond the edges x is 0, and is not repeated",
                    repeated(&x, &kernel, &bias),
                )
                .is(&f(&x, &kernel, &bias), &plain(&x, &kernel, &bias))?;
        }
    }
    Ok(())
}

/// With the nearest pixel beyond the edges.
fn repeated(x: &Array3<f64>, kernel: &Array4<f64>, bias: &Array1<f64>) -> Array3<f64> {
    let (h, w, c) = x.dim();
    let larger = Array3::from_shape_fn((h + 2, w + 2, c), |(i, j, c)| {
        x[[
            i.saturating_sub(1).min(h - 1),
            j.saturating_sub(1).min(w - 1),
            c,
        ]]
    });
    plain(&larger, kernel, bias)
        .slice(s![1..=h, 1..=w, ..])
        .to_owned()
}

type ConvBackward<'a> = &'a dyn Fn(&Array3<f64>, &Array4<f64>) -> Array3<f64>;

/// The backward pass.
pub fn convolution_backward(f: ConvBackward) -> Verdict {
    for (cin, cout) in CHANNELS {
        for (h, w) in sizes() {
            let x = random((h, w, cin), 4);
            let (kernel, dy) = (random((3, 3, cin, cout), 5), random((h, w, cout), 6));
            let none = Array1::zeros(cout);
            let dx = f(&dy, &kernel);
            let swapped = kernel.view().permuted_axes([0, 1, 3, 2]);
            let swapped = swapped.as_standard_layout().into_owned();
            let back = |kernel: &Array4<f64>| plain(&dy, kernel, &Array1::zeros(cin));
            let half = |down: isize, right: isize| {
                let half = swapped.slice(s![..;down, ..;right, .., ..]);
                back(&half.as_standard_layout().into_owned())
            };
            let mut comparison =
                Comparison::of("dx", format!("x is {h}×{w}, {cin} to {cout} channels"))
                    .suspect("is the kernel rotated by 180°?", back(&swapped))
                    .suspect(
                        "is the kernel rotated by 180°? It is turned upside down only",
                        half(-1, 1),
                    )
                    .suspect(
                        "is the kernel rotated by 180°? It is mirrored from left to right only",
                        half(1, -1),
                    );
            if cin == cout {
                comparison = comparison
                    .suspect(
                        "are the kernel's channels swapped?",
                        plain(&dy, &reversed(&kernel), &none),
                    )
                    .suspect(
                        "is the kernel rotated by 180°, and are its channels swapped?",
                        plain(&dy, &kernel, &none),
                    );
            }
            comparison.is_gradient(&dx, &x, |x| inner(&dy, &plain(x, &kernel, &none)))?;
            // ⟨Ax, dy⟩ = ⟨x, Aᵀdy⟩
            let (left, right) = (inner(&plain(&x, &kernel, &none), &dy), inner(&x, &dx));
            if (left - right).abs() > 1e-12 * (h * w * cin * cout) as f64 {
                return Err(format!(
                    "⟨Ax, dy⟩ is {left} and ⟨x, Aᵀdy⟩ is {right}, which should be the same ({h}×{w})"
                ));
            }
            let expected = conv::backward(&dy, &kernel, Padding::Zero);
            Comparison::of("dx", format!("x is {h}×{w}, {cin} to {cout} channels"))
                .is(&dx, &expected)?;
        }
    }
    Ok(())
}

type Map<'a> = &'a dyn Fn(&Array3<f64>) -> Array3<f64>;

/// ReLU.
pub fn rectifier(f: Map) -> Verdict {
    for (h, w) in sizes() {
        let x: Array3<f64> = random((h, w, 3), 7);
        Comparison::of("y", format!("x is {h}×{w}×3"))
            .suspect("that is |x|: negative elements become 0", x.mapv(f64::abs))
            .suspect("that is the smaller of x and 0", x.mapv(|x| x.min(0.0)))
            .suspect("that is x itself", x.clone())
            .is(&f(&x), &relu::forward(x.clone()))?;
    }
    Ok(())
}

type Backward<'a> = &'a dyn Fn(&Array3<f64>, &Array3<f64>) -> Array3<f64>;

/// Its backward pass.
pub fn rectifier_backward(f: Backward) -> Verdict {
    for (h, w) in sizes() {
        // No element is near the kink, but some are on it, where the derivative is taken to be 0.
        let x = random((h, w, 3), 8).mapv(|x: f64| x + 0.1 * x.signum());
        let (y, dy) = (relu::forward(x.clone()), random((h, w, 3), 9));
        let dx = f(&y, &dy);
        let comparison = Comparison::of("dx", format!("x is {h}×{w}×3"))
            .suspect("dy passes everywhere: where y is 0 it stops", dy.clone())
            .suspect(
                "what counts is where y is above 0, not where dy is",
                relu::forward(dy.clone()),
            )
            .suspect("the slope is 1 where y is above 0, not y", &y * &dy)
            .suspect(
                "dy is lost: its elements pass where y is above 0",
                y.mapv(|y| f64::from(u8::from(y > 0.0))),
            );
        comparison.is_gradient(&dx, &x, |x| inner(&dy, &relu::forward(x.clone())))?;
        comparison.is(&dx, &relu::backward(&y, &dy))?;
    }
    Ok(())
}

/// The number of each cell's pixels, over 4.
fn share(h: usize, w: usize) -> Array3<f64> {
    let along = |cell: usize, length: usize| (length - 2 * cell).min(2);
    Array3::from_shape_fn((h.div_ceil(2), w.div_ceil(2), 2), |(i, j, _)| {
        (along(i, h) * along(j, w)) as f64 / 4.0
    })
}

const BY_FOUR: &str = "at odd edges a cell has fewer than 4 pixels: divide by their number";

/// Average pooling.
pub fn pooling(f: Map) -> Verdict {
    for (h, w) in sizes() {
        let x = distinct(h, w, 2);
        let expected = pool::forward(Average, &x);
        let by_four = &expected * &share(h, w);
        Comparison::of("y", format!("x is {h}×{w}×2"))
            .suspect(BY_FOUR, by_four.clone())
            .suspect(
                "that is the sum of each cell: is it divided by the number of pixels?",
                by_four * 4.0,
            )
            .suspect("that is the largest of each cell", pool::forward(Max, &x))
            .is(&f(&x), &expected)?;
    }
    Ok(())
}

type PoolBackward<'a> = &'a dyn Fn(&Array3<f64>, (usize, usize)) -> Array3<f64>;

/// Its backward pass.
pub fn pooling_backward(f: PoolBackward) -> Verdict {
    for (h, w) in sizes() {
        let x = distinct(h, w, 2);
        let dy: Array3<f64> = random((h.div_ceil(2), w.div_ceil(2), 2), 10);
        let back = |dy: &Array3<f64>| pool::backward(Average, &x, dy);
        let by_four = back(&(&dy * &share(h, w)));
        let dx = f(&dy, (h, w));
        let comparison = Comparison::of("dx", format!("x is {h}×{w}×2"))
            .suspect(BY_FOUR, by_four.clone())
            .suspect(
                "each pixel gets all of dy: it gets its share",
                by_four * 4.0,
            )
            .suspect(
                "one pixel gets all of dy, as in max pooling",
                pool::backward(Max, &x, &dy),
            );
        comparison.is_gradient(&dx, &x, |x| inner(&dy, &pool::forward(Average, x)))?;
        comparison.is(&dx, &back(&dy))?;
    }
    Ok(())
}
