//! Exercise 10: the direction of L-BFGS (chapter 7).

/// d = −Hg, where H approximates the inverse of the second derivative. It is given by `pairs` of (s, y), the oldest first: s is by how
/// much x changed in a step, y by how much the gradient did. There is at least one pair. All vectors have the length of `gradient`.
///
/// With ρ = 1 / sᵀy of each pair:
///
/// > q ← −g  
/// > for the pairs from the newest to the oldest: a ← ρ sᵀq, q ← q − a y  
/// > q ← (sᵀy / yᵀy of the newest pair) q  
/// > for the pairs from the oldest to the newest: b ← ρ yᵀq, q ← q + (a − b) s, with the a of the same pair  
/// > d ← q
///
/// Hint: `pairs.iter().rev()` goes backward. Keep each a in a vector.
pub fn direction(gradient: &[f64], pairs: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    todo!("the two loops")
}
