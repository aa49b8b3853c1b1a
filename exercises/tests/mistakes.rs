//! Typical wrong answers are told to be wrong, and why; right ones are not.

#[allow(dead_code, reason = "right answers are for the other test program")]
mod checks;

use checks::{Verdict, iteration, losses, operations, optimizers, winograd};
use exercises as right;
use impasto::method::pool::Pooling::{Average, Max};
use impasto::method::{Loss, Padding, TotalVariation, conv, gram, pool};
use ndarray::{Array1, Array3, Array4, Zip, s};

/// Checks that a wrong answer is refused with a message that has these parts.
fn told(verdict: Verdict, parts: &[&str]) {
    let message = verdict.expect_err("the mistake is not noticed");
    for part in parts {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

fn convolved(x: &Array3<f64>, kernel: &Array4<f64>, bias: &Array1<f64>) -> Array3<f64> {
    conv::forward(x, kernel, bias, Padding::Zero)
}

/// `learn.rs` explains this panic, which the profile has to ask for.
#[test]
fn an_unsigned_number_below_0_panics() {
    let zero = std::hint::black_box(0_usize);
    assert!(std::panic::catch_unwind(|| zero - 1).is_err());
}

#[test]
fn mistakes_in_a_convolution() {
    let of = operations::convolution;
    told(
        of(&|x, k, b| convolved(x, k, &(b * 0.0))),
        &["y[", "it should be ", "is the bias added?"],
    );
    told(
        of(&|x, k, b| convolved(x, &k.slice(s![..;-1, ..;-1, .., ..]).to_owned(), b)),
        &["networks do without"],
    );
    told(
        of(&|x, k, b| {
            convolved(
                x,
                &k.view()
                    .permuted_axes([1, 0, 2, 3])
                    .as_standard_layout()
                    .into_owned(),
                b,
            )
        }),
        &["are they exchanged?"],
    );
    told(
        of(&|x, k, b| conv::forward(x, k, b, Padding::Circular)),
        &["not what is at the opposite edge"],
    );
    told(
        of(&|x, k, b| unpadded(x, k, b)),
        &["is the −1 in x[i+p−1, j+q−1] missing?"],
    );
    told(
        of(&|x, k, b| convolved(x, k, b).slice(s![.., .., ..1]).to_owned()),
        &["y has the shape [3, 4, 1], and should have [3, 4, 2]"],
    );
    told(
        of(&|x, k, b| convolved(x, k, b) * f64::NAN),
        &["y[0, 0, 0] is NaN"],
    );
}

/// y[i, j] from x[i + p, j + q].
fn unpadded(x: &Array3<f64>, kernel: &Array4<f64>, bias: &Array1<f64>) -> Array3<f64> {
    let (h, w, cin) = x.dim();
    Array3::from_shape_fn((h, w, bias.len()), |(i, j, o)| {
        let mut sum = bias[o];
        for ((p, q, c), k) in kernel.slice(s![.., .., .., o]).indexed_iter() {
            sum += k * x.get((i + p, j + q, c)).unwrap_or(&0.0);
        }
        assert!(cin > 0);
        sum
    })
}

#[test]
fn mistakes_in_the_backward_pass_of_a_convolution() {
    let of = operations::convolution_backward;
    let with = |dy: &Array3<f64>, kernel: Array4<f64>| {
        convolved(
            dy,
            &kernel.as_standard_layout().into_owned(),
            &Array1::zeros(kernel.dim().3),
        )
    };
    let swapped = |k: &Array4<f64>| k.clone().permuted_axes([0, 1, 3, 2]);
    told(
        of(&|dy, k| with(dy, swapped(k))),
        &[
            "dx[",
            "] is ",
            "finite differences give ",
            "channels): is the kernel rotated by 180°?",
        ],
    );
    told(
        of(&|dy, k| with(dy, swapped(k).slice(s![..;-1, .., .., ..]).to_owned())),
        &["upside down only"],
    );
    told(
        of(&|dy, k| with(dy, swapped(k).slice(s![.., ..;-1, .., ..]).to_owned())),
        &["mirrored from left to right only"],
    );
    told(
        of(&|dy, k| {
            // Channels that are not swapped have no shape for other numbers of them; what a learner sees first is the wrong number.
            if k.dim().2 != k.dim().3 {
                return with(dy, swapped(k));
            }
            with(dy, k.slice(s![..;-1, ..;-1, .., ..]).to_owned())
        }),
        &["are the kernel's channels swapped?"],
    );
    told(
        of(&|dy, k| 2.0 * conv::backward(dy, k, Padding::Zero)),
        &["twice what it should be"],
    );
    told(
        of(&|dy, k| conv::backward(dy, k, Padding::Circular)),
        &["dx["],
    );
}

#[test]
fn mistakes_in_relu() {
    let forward = operations::rectifier;
    told(forward(&|x| x.mapv(f64::abs)), &["that is |x|"]);
    told(forward(&|x| x.clone()), &["that is x itself"]);
    told(
        forward(&|x| x.mapv(|x| x.min(0.0))),
        &["the smaller of x and 0"],
    );
    let backward = operations::rectifier_backward;
    told(backward(&|_, dy| dy.clone()), &["dy passes everywhere"]);
    told(
        backward(&|_, dy| dy.mapv(|dy| dy.max(0.0))),
        &["not where dy is"],
    );
    told(backward(&|y, dy| y * dy), &["not y"]);
    told(
        backward(&|y, _| y.mapv(|y| if y > 0.0 { 1.0 } else { 0.0 })),
        &["dy is lost"],
    );
    // At the kink: y is 0 where x is.
    told(
        backward(&|y, dy| {
            Zip::from(y)
                .and(dy)
                .map_collect(|&y, &dy| if y >= 0.0 { dy } else { 0.0 })
        }),
        &["dy passes everywhere"],
    );
}

#[test]
fn mistakes_in_pooling() {
    let forward = operations::pooling;
    let sums = |x: &Array3<f64>| {
        let (h, w, c) = x.dim();
        let mut y = Array3::zeros((h.div_ceil(2), w.div_ceil(2), c));
        x.indexed_iter()
            .for_each(|((i, j, c), x)| y[[i / 2, j / 2, c]] += x);
        y
    };
    told(
        forward(&|x| sums(x) / 4.0),
        &["at odd edges a cell has fewer than 4 pixels", "x is 3×4×2"],
    );
    told(forward(&sums), &["is it divided by the number of pixels?"]);
    told(
        forward(&|x| pool::forward(Max, x)),
        &["the largest of each cell"],
    );
    told(
        forward(&|x| {
            pool::forward(Average, x)
                .slice(s![..x.dim().0 / 2, ..x.dim().1 / 2, ..])
                .to_owned()
        }),
        &["y has the shape [1, 2, 2], and should have [2, 2, 2]"],
    );
    let backward = operations::pooling_backward;
    let spread = |dy: &Array3<f64>, (h, w): (usize, usize)| {
        Array3::from_shape_fn((h, w, dy.dim().2), |(i, j, c)| dy[[i / 2, j / 2, c]])
    };
    told(
        backward(&|dy, size| spread(dy, size) / 4.0),
        &["at odd edges a cell has fewer than 4 pixels"],
    );
    told(backward(&spread), &["it gets its share"]);
}

#[test]
fn mistakes_in_gram_matrices_and_their_loss() {
    told(
        losses::gram_matrix(&|f| gram::forward(f) / f.len() as f64 * 3.0),
        &["without division"],
    );
    told(
        losses::gram_matrix(&|f| gram::matrix(f).dot(&gram::matrix(f).t())),
        &["G has the shape [1, 1], and should have [3, 3] (f is 1×1×3): that is FFᵀ"],
    );
    let with = |value: f64, gradient: f64| {
        losses::gram_loss(&move |f, a| {
            let (l, df) = right::gram_loss::value_and_gradient(f, a);
            (l * value, df * gradient)
        })
    };
    told(with(1.0, 0.5), &["dF[", "(dL/dG)ᵀ"]);
    told(with(1.0, -1.0), &["wrong sign"]);
    told(with(1.0, 9.0), &["9 times what it should be"]);
    told(
        with(2.0, 1.0),
        &["the loss is ", "it should be ", "factor of 2 too many"],
    );
}

#[test]
fn mistakes_in_the_content_loss() {
    let with = |value: f64, gradient: f64| {
        losses::content_loss(&move |f, p| {
            let (l, df) = right::content_loss::value_and_gradient(f, p);
            (l * value, df * gradient)
        })
    };
    told(with(1.0, 2.0), &["twice what it should be"]);
    told(
        with(1.0, 0.5),
        &["half of what it should be: is a factor of 2 missing?"],
    );
    told(
        with(0.5, 1.0),
        &["the loss is ", "is a factor of 2 missing?"],
    );
    told(with(1.0, -1.0), &["F − P, not P − F"]);
    told(
        losses::content_loss(&|f, p| (right::content_loss::value_and_gradient(f, p).0, f - p)),
        &["divided by 2·size?"],
    );
}

#[test]
fn mistakes_in_the_gradient_of_total_variation() {
    let pairs = |of_first: f64, of_second: f64, steps: &[(usize, usize)]| {
        let steps = steps.to_vec();
        losses::total_variation(&move |x| {
            let mut dx = Array3::zeros(x.dim());
            for ((i, j, c), &here) in x.indexed_iter() {
                for (down, right) in &steps {
                    if let Some(there) = x.get((i + down, j + right, c)) {
                        dx[[i, j, c]] -= of_first * (there - here);
                        dx[[i + down, j + right, c]] += of_second * (there - here);
                    }
                }
            }
            dx
        })
    };
    let both = [(0, 1), (1, 0)];
    pairs(1.0, 1.0, &both).unwrap();
    told(pairs(1.0, 0.0, &both), &["that of the second is missing"]);
    told(pairs(0.0, 1.0, &both), &["that of the first is missing"]);
    told(
        pairs(1.0, 1.0, &both[..1]),
        &["one above the other are missing"],
    );
    told(pairs(1.0, 1.0, &both[1..]), &["side by side are missing"]);
    told(pairs(2.0, 2.0, &both), &["twice what it should be"]);
    told(pairs(-1.0, -1.0, &both), &["wrong sign"]);
    let circular = TotalVariation::new(Padding::Circular);
    told(
        losses::total_variation(&|x| circular.value_and_gradient(x).1),
        &["opposite edges are no neighbors"],
    );
}

/// Adam with what goes wrong as arguments: the powers in the corrections of m and v, the sign, the root.
fn adam(by_m: fn(i32) -> i32, by_v: fn(i32) -> i32, sign: f64, root: fn(f64) -> f64) -> Verdict {
    optimizers::adam(&move |x, g, m, v, t, rate| {
        for k in 0..x.len() {
            m[k] = 0.9 * m[k] + (1.0 - 0.9) * g[k];
            v[k] = 0.999 * v[k] + (1.0 - 0.999) * g[k] * g[k];
            let corrected = |mean: f64, beta: f64, power: i32| match power {
                i32::MAX => mean,
                power => mean / (1.0 - beta.powi(power)),
            };
            let (m, v) = (
                corrected(m[k], 0.9, by_m(t)),
                corrected(v[k], 0.999, by_v(t)),
            );
            x[k] -= sign * rate * m / (root(v) + 1e-8);
        }
    })
}

#[test]
fn mistakes_in_adam() {
    let (with, without) = (|t| t, |_| i32::MAX);
    adam(with, with, 1.0, f64::sqrt).unwrap();
    told(
        adam(without, without, 1.0, f64::sqrt),
        &["x[", "after step 1", "is the bias correction missing?"],
    );
    told(
        adam(with, without, 1.0, f64::sqrt),
        &["is the bias correction of v missing?"],
    );
    told(
        adam(without, with, 1.0, f64::sqrt),
        &["is the bias correction of m missing?"],
    );
    told(
        adam(|t| t + 1, |t| t + 1, 1.0, f64::sqrt),
        &["steps are counted from 1"],
    );
    told(adam(with, with, -1.0, f64::sqrt), &["uphill"]);
    told(adam(with, with, 1.0, |v| v), &["square root"]);
    told(
        optimizers::adam(&|x, g, m, v, t, rate| {
            right::adam::step(x, g, m, v, t, rate);
            m.iter_mut().for_each(|m| *m /= 1.0 - 0.9_f64.powi(t));
        }),
        &["m[", "m itself stays without the correction"],
    );
    told(
        optimizers::adam(&|x, g, m, v, t, rate| {
            right::adam::step(x, g, m, v, t, rate);
            v.iter_mut()
                .zip(g)
                .for_each(|(v, g)| *v = (1.0 - 0.999) * g);
        }),
        &["v[", "the squares of g"],
    );
}

#[test]
fn mistakes_in_the_two_loops() {
    let of = optimizers::lbfgs;
    let scaled = |d: Vec<f64>, by: f64| -> Vec<f64> { d.into_iter().map(|d| d * by).collect() };
    told(
        of(&|g, pairs| scaled(right::lbfgs::direction(g, pairs), -1.0)),
        &["d[", "+Hg"],
    );
    told(
        of(&|g, pairs| {
            let reversed: Vec<_> = pairs.iter().rev().cloned().collect();
            right::lbfgs::direction(g, &reversed)
        }),
        &["2 pairs", "from the newest pair"],
    );
    told(
        of(&|g, _| g.iter().map(|g| -g).collect()),
        &["the pairs have no effect"],
    );
    told(
        of(&|g, pairs| two_loops(g, pairs, false, true)),
        &["is q scaled between the loops"],
    );
    told(
        of(&|g, pairs| two_loops(g, pairs, true, false)),
        &["is the second loop missing?"],
    );
    of(&|g, pairs| two_loops(g, pairs, true, true)).unwrap();
}

fn two_loops(g: &[f64], pairs: &[(Vec<f64>, Vec<f64>)], scale: bool, second: bool) -> Vec<f64> {
    let vector = |v: &[f64]| Array1::from(v.to_vec());
    let mut q = -vector(g);
    let mut all = Vec::new();
    for (s, y) in pairs.iter().rev() {
        let (s, y) = (vector(s), vector(y));
        let a = s.dot(&q) / s.dot(&y);
        q.scaled_add(-a, &y);
        all.push((s, y, a));
    }
    let (s, y, _) = &all[0];
    if scale {
        q *= s.dot(y) / y.dot(y);
    }
    for (s, y, a) in all.iter().rev().filter(|_| second) {
        let b = y.dot(&q) / s.dot(y);
        q.scaled_add(a - b, s);
    }
    q.to_vec()
}

#[test]
fn mistakes_in_winograds_algorithm() {
    use right::winograd::{inputs, kernel, outputs};
    told(
        winograd::winograd(
            &inputs,
            &|g| [g[0], g[0] + g[1] + g[2], g[0] - g[1] + g[2], g[2]],
            &outputs,
        ),
        &["y[", "are the halves of g₀ ± g₁ + g₂ missing?"],
    );
    told(
        winograd::winograd(&inputs, &kernel, &|m| {
            [m[0] + m[1] + m[2], m[1] + m[2] - m[3]]
        }),
        &["which sums of them give y?"],
    );
    told(
        winograd::winograd(
            &|d| [d[0] - d[2], d[1] + d[2], d[1] - d[2], d[1] - d[3]],
            &kernel,
            &outputs,
        ),
        &["inputs' factor of m[2]"],
    );
    told(
        winograd::winograd(&inputs, &|g| kernel([g[2], g[1], g[0]]), &outputs),
        &["the kernel is reversed"],
    );
    told(
        winograd::winograd(
            &inputs,
            &|g| {
                let mut v = kernel(g);
                v[3] = -v[3];
                v
            },
            &outputs,
        ),
        &["kernel's factor of m[3]"],
    );
}

#[test]
fn mistakes_in_an_iteration() {
    told(
        iteration::gradient(&|x, problem| {
            let (loss, gradient) = right::iteration::loss_and_gradient(x, problem);
            (loss, gradient * 0.5)
        }),
        &["gradient[", "half of what it should be"],
    );
    // Without the style: its weight is 0, but in the loss.
    told(
        iteration::gradient(&|x, problem| {
            let loss = right::iteration::loss_and_gradient(x, problem).0;
            let none = exercises::Problem {
                first: problem.first.clone(),
                second: problem.second.clone(),
                content: problem.content.clone(),
                style: problem.style.clone(),
                style_weight: 0.0,
            };
            (loss, right::iteration::loss_and_gradient(x, &none).1)
        }),
        &["the gradient of the style is missing"],
    );
    told(
        iteration::iterations(&|x, problem, state, t, rate| {
            right::iteration::iterate(x, problem, state, t, rate);
            right::iteration::loss_and_gradient(x, problem).0
        }),
        &["the loss is that after the step"],
    );
    told(
        iteration::iterations(&|x, problem, _, _, _| {
            right::iteration::loss_and_gradient(x, problem).0
        }),
        &["the picture has not changed"],
    );
    told(
        iteration::iterations(&|x, problem, state, _, rate| {
            right::iteration::iterate(x, problem, state, 1, rate)
        }),
        &["picture[", "in iteration 2"],
    );
}
