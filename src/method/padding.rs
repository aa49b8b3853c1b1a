//! What a layer reads beyond the edges of a picture.
//!
//! > zero: x\[i, j\] = 0 outside 0..H × 0..W; circular: x\[i, j\] = x\[i mod H, j mod W\]
//!
//! With circular padding the picture is a torus: the right edge continues at the left one, and the bottom at the top. No layer
//! can tell where the edges are, so copies of the painted picture fit together like tiles.
//!
//! In the notation of [`conv`](super::conv), x\[i, j\] contributes to y\[i−p+1 mod H, j−q+1 mod W\] on a torus. The backward pass of a
//! circular convolution is therefore again a *circular* convolution, with the kernel rotated by 180°.

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
    /// Where to read a position of an axis of this length; `None` where the value is 0. Positions are counted from −1, which is given
    /// as 0: `from_minus_one` = position + 1.
    #[inline(always)]
    pub(crate) fn position(self, from_minus_one: usize, length: usize) -> Option<usize> {
        match (from_minus_one.checked_sub(1), self) {
            (Some(inside), _) if inside < length => Some(inside),
            (_, Self::Zero) => None,
            (_, Self::Circular) => Some((from_minus_one + length - 1) % length),
        }
    }
}
