//! Exercise 10, solved.

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn add_scaled(q: &mut [f64], scale: f64, by: &[f64]) {
    q.iter_mut().zip(by).for_each(|(q, by)| *q += scale * by);
}

/// d = −Hg
pub fn direction(gradient: &[f64], pairs: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut newest_first = Vec::new();
    for (s, y) in pairs.iter().rev() {
        let a = inner(s, &q) / inner(s, y);
        add_scaled(&mut q, -a, y);
        newest_first.push(a);
    }
    if let Some((s, y)) = pairs.last() {
        let scale = inner(s, y) / inner(y, y);
        q.iter_mut().for_each(|q| *q *= scale);
    }
    for ((s, y), a) in pairs.iter().zip(newest_first.iter().rev()) {
        let b = inner(y, &q) / inner(s, y);
        add_scaled(&mut q, a - b, s);
    }
    q
}
