//! The two halves of a picture: the black and the white fields of a chessboard on it.

use ndarray::{Array2, Array3, ArrayView1, s};

/// Fields along the longer edge.
const FIELDS: f64 = 8.0;

/// The positions of `f` (H×W×C) on black and on white fields, as matrices M×C. The board is the same at every layer of a picture.
/// A half that would be empty, in a picture of one position, is the other one.
pub fn halves(f: &Array3<f32>) -> [Array2<f32>; 2] {
    let (h, w, c) = f.dim();
    let long = h.max(w) as f64;
    let fields = |edge: usize| (FIELDS * edge as f64 / long).round().max(1.0);
    let field =
        |at: usize, edge: usize| (((at as f64 + 0.5) / edge as f64) * fields(edge)) as usize;
    let mut rows = [Vec::new(), Vec::new()];
    for i in 0..h {
        for j in 0..w {
            rows[(field(i, h) + field(j, w)) % 2].push(f.slice(s![i, j, ..]));
        }
    }
    if rows[1].is_empty() {
        rows[1] = rows[0].clone();
    }
    rows.map(|rows: Vec<ArrayView1<f32>>| {
        let values = rows.iter().flat_map(|row| row.iter().copied()).collect();
        Array2::from_shape_vec((rows.len(), c), values).expect("the number of values fits")
    })
}
