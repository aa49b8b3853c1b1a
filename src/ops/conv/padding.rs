//! What lies beyond the edges of a picture.
//!
//! > zero: x\[i, j\] = 0 outside 0..H × 0..W; circular: x\[i, j\] = x\[i mod H, j mod W\]
//!
//! With circular padding the picture is a torus: its right edge meets the left one and the bottom the top, and no layer can tell
//! where the edges are. What is painted so can be laid side by side like tiles.
//!
//! On a torus x\[i, j\] reaches y\[i−p+1 mod H, j−q+1 mod W\], so that the backward pass of a circular convolution is again the
//! *circular* convolution with the turned kernel.

/// How a layer goes on beyond its edges: for a convolution what it reads there, for total variation which pixels are neighbours.
///
/// Pooling cells do not reach across edges. On a torus they fit without a seam only if height and width of the picture are
/// multiples of 2 to the number of poolings; other sizes are computed all the same, with cells cut off at the right and the bottom
/// as [`pool`](crate::ops::pool) has them, and a seam there. Whoever promises a picture without one must refuse them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// With zeros: what VGG was trained with.
    #[default]
    Zero,
    /// With what is at the opposite edge.
    Circular,
}

impl Padding {
    /// Along an axis of this length, where to look for position `next` − 1; none if there is 0.
    #[inline(always)]
    pub(crate) fn position(self, next: usize, length: usize) -> Option<usize> {
        match (next.checked_sub(1), self) {
            (Some(inside), _) if inside < length => Some(inside),
            (_, Self::Zero) => None,
            (_, Self::Circular) => Some((next + length - 1) % length),
        }
    }
}
