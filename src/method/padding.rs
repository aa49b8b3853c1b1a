//! What a layer reads beyond the edges of a picture.
//!
//! > zero: x\[i, j\] = 0 outside 0..H × 0..W; circular: x\[i, j\] = x\[i mod H, j mod W\]
//!
//! With circular padding the picture is a torus: the right edge continues at the left one, and the bottom at the top. No layer
//! can tell where the edges are, so copies of the painted picture fit together like tiles.
//!
//! On a torus x\[i, j\] reaches y\[i−p+1 mod H, j−q+1 mod W\]. The backward pass of a circular convolution is therefore again a
//! *circular* convolution, with the kernel rotated by 180°.

/// How a picture continues beyond its edges. Convolutions read there; total variation takes its neighbors from there.
///
/// Pooling cells do not reach across edges. On a torus they leave no seam only if height and width of the picture are
/// multiples of 2 to the number of poolings. Other sizes are computed too, with cells cut off at the right and the bottom as
/// [`pool`](crate::method::pool) describes, and a seam there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding {
    /// With zeros, as VGG was trained.
    #[default]
    Zero,
    /// With what is at the opposite edge.
    Circular,
}

impl Padding {
    /// Where to read position `next` − 1 of an axis of this length; `None` where the value is 0.
    #[inline(always)]
    pub(crate) fn position(self, next: usize, length: usize) -> Option<usize> {
        match (next.checked_sub(1), self) {
            (Some(inside), _) if inside < length => Some(inside),
            (_, Self::Zero) => None,
            (_, Self::Circular) => Some((next + length - 1) % length),
        }
    }
}
