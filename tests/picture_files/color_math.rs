//! The formulas that converted colors must agree with.

/// Converts linear Display P3 to linear sRGB, both with white point D65 (SMPTE EG 432-1, IEC 61966-2-1).
pub const P3: [[f64; 3]; 3] = [
    [1.224_940_2, -0.224_940_2, 0.0],
    [-0.042_057_0, 1.042_057_0, 0.0],
    [-0.019_637_6, -0.078_636_1, 1.098_273_6],
];

/// Converts linear Adobe RGB (1998) to linear sRGB.
pub const ADOBE: [[f64; 3]; 3] = [
    [1.398_355_9, -0.398_355_9, 0.0],
    [0.0, 1.0, 0.0],
    [0.0, -0.042_939_9, 1.042_939_9],
];

/// The exponent of Adobe RGB (1998).
pub const ADOBE_GAMMA: f64 = 563.0 / 256.0;

pub fn srgb_to_linear(v: f64) -> f64 {
    if v <= 0.04045 {
        v / 12.92
    } else {
        ((v + 0.055) / 1.055).powf(2.4)
    }
}

pub fn linear_to_srgb(v: f64) -> f64 {
    let v = v.clamp(0.0, 1.0);
    if v <= 0.003_130_8 {
        12.92 * v
    } else {
        1.055 * v.powf(1.0 / 2.4) - 0.055
    }
}

/// The sRGB levels of a color from 0 to 1 in a space with this curve, and this matrix to linear sRGB.
pub fn convert(color: [f64; 3], curve: impl Fn(f64) -> f64, matrix: [[f64; 3]; 3]) -> [f64; 3] {
    let linear = color.map(curve);
    matrix.map(|row| 255.0 * linear_to_srgb((0..3).map(|i| row[i] * linear[i]).sum()))
}

/// The sRGB level of a gray with this lightness from 0 to 1 (CIE 1976 L*, divided by 100).
pub fn lightness_to_srgb(lightness: f64) -> f64 {
    let f = (100.0 * lightness + 16.0) / 116.0;
    let luminance = if f > 6.0 / 29.0 {
        f.powi(3)
    } else {
        100.0 * lightness * 27.0 / 24389.0
    };
    255.0 * linear_to_srgb(luminance)
}
