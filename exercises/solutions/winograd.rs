//! Exercise 11, solved.

/// Of the inputs.
pub fn inputs(d: [f64; 4]) -> [f64; 4] {
    [d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]]
}

/// Of the kernel.
pub fn kernel(g: [f64; 3]) -> [f64; 4] {
    [
        g[0],
        (g[0] + g[1] + g[2]) / 2.0,
        (g[0] - g[1] + g[2]) / 2.0,
        g[2],
    ]
}

/// The outputs.
pub fn outputs(m: [f64; 4]) -> [f64; 2] {
    [m[0] + m[1] + m[2], m[1] - m[2] - m[3]]
}
