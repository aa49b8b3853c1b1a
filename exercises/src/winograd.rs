//! Exercise 11: Winograd's algorithm F(2,3) along one axis (chapter 10).
//!
//! A kernel g of three numbers, at two positions of an input d of four:
//!
//! > y₀ = d₀g₀ + d₁g₁ + d₂g₂,  y₁ = d₁g₀ + d₂g₁ + d₃g₂
//!
//! takes six multiplications. Winograd's algorithm takes four: inputs and kernel are transformed into four numbers each, these are
//! multiplied pair by pair, and the four products are transformed into the two outputs. The kernel is transformed once for a whole
//! picture. With
//!
//! > m₁ = (d₀ − d₂) g₀,  m₂ = (d₁ + d₂) (g₀ + g₁ + g₂)/2,  m₃ = (d₂ − d₁) (g₀ − g₁ + g₂)/2,  m₄ = (d₁ − d₃) g₂
//!
//! y₀ and y₁ are sums and differences of the m. Which?

/// The four numbers that are made of the inputs.
pub fn inputs(d: [f64; 4]) -> [f64; 4] {
    todo!("the first factors")
}

/// The four that are made of the kernel.
pub fn kernel(g: [f64; 3]) -> [f64; 4] {
    todo!("the second factors")
}

/// y₀ and y₁ of the four products.
///
/// Hint: multiply m₂ + m₃ and m₂ − m₃ out.
pub fn outputs(m: [f64; 4]) -> [f64; 2] {
    todo!("sums and differences")
}
