//! Exercise 3: average pooling (chapters 3 and 4).

use ndarray::Array3;

/// The means of cells of 2×2 pixels: H×W×C becomes ⌈H/2⌉×⌈W/2⌉×C.
///
/// > y\[i, j, c\] = Σ x / n over the n pixels of the cell: rows 2i and 2i+1, columns 2j and 2j+1, as far as they exist
///
/// At an odd edge a cell has 2 pixels, or 1 in the corner, and n is their number.
///
/// Hint: `height.div_ceil(2)` rounds up.
pub fn forward(x: &Array3<f64>) -> Array3<f64> {
    todo!("the mean of each cell")
}

/// dL/dx (H×W×C) of `dy` = dL/dy (⌈H/2⌉×⌈W/2⌉×C), where (H, W) is the `size` of the forward pass's input.
///
/// > dL/dx\[i, j, c\] = dL/dy\[⌊i/2⌋, ⌊j/2⌋, c\] / n, with the n of that cell
pub fn backward(dy: &Array3<f64>, size: (usize, usize)) -> Array3<f64> {
    todo!("every pixel of a cell gets its share")
}
