//! Buffers that one operation leaves to the next, and one iteration to the next.
//!
//! Every iteration needs the same buffers in the same order. If they were freed and allocated anew, the system would have to map
//! and clear each of their pages again, which takes as long as some layers. Pictures of
//! another size need buffers of other lengths; before work on them begins, [`Workspace::release`] frees the old ones.
//!
//! What is the same in each iteration is kept as well, also from one size to the next, as far as there is memory to spare.
//!
//! All of them begin at a cache line. A vector of 64 bytes that begins elsewhere lies on two lines, and loading and storing it takes twice
//! the time. The large ones begin at a large page.

use super::simd::{LARGE_PAGE, LINE, use_large_pages};
use crate::method::Scalar;
use ndarray::{Array1, Array2, Array3, Axis, s};
use std::ops::{Deref, DerefMut, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Bytes that are kept at most, unless another number is set: about what the transformed kernels of VGG take.
const SPARE: u64 = 500_000_000;

/// The buffers of an engine: those that are not in use, and those that are kept.
pub(super) struct Workspace<T> {
    numbers: Arc<FreeList<T>>,
    /// For masks, and for the winners of max pooling.
    words: Arc<FreeList<u16>>,
    /// What is kept, the oldest first.
    kept: Mutex<Vec<Arc<Buffer<T>>>>,
    /// Bytes that may be kept.
    spare: AtomicU64,
}

impl<T> Default for Workspace<T> {
    fn default() -> Self {
        Self {
            numbers: Arc::default(),
            words: Arc::default(),
            kept: Mutex::default(),
            spare: AtomicU64::new(SPARE),
        }
    }
}

impl<T: Scalar> Workspace<T> {
    /// An array of this shape. Its elements have any values.
    pub fn array(&self, shape: (usize, usize, usize)) -> Array3<T> {
        let length = shape.0 * shape.1 * shape.2;
        let memory = self.numbers.take(length);
        let elements = aligned(&memory, length);
        let elements = Array1::from(memory).slice_move(s![elements]);
        (elements.into_shape_with_order(shape)).expect("it has this many elements")
    }

    /// [`array`](Self::array) with two axes.
    pub fn matrix(&self, (rows, columns): (usize, usize)) -> Array2<T> {
        self.array((1, rows, columns)).index_axis_move(Axis(0), 0)
    }

    /// Takes back an array that nobody needs any more.
    pub fn recycle(&self, array: Array3<T>) {
        self.numbers.put_back(array.into_raw_vec_and_offset().0);
    }

    /// A buffer of this length. Its elements have any values.
    pub fn buffer(&self, length: usize) -> Buffer<T> {
        Buffer::borrowed(&self.numbers, length)
    }

    /// Buffers of these lengths.
    pub fn buffers<const N: usize>(&self, lengths: [usize; N]) -> [Buffer<T>; N] {
        lengths.map(|length| self.buffer(length))
    }

    /// A buffer of this length, of 16-bit words.
    pub fn words(&self, length: usize) -> Buffer<u16> {
        Buffer::borrowed(&self.words, length)
    }

    /// A buffer of this length for more than one iteration. It is a new one, so that the free buffers are left for the next iteration, and is
    /// freed when it is dropped.
    pub fn lasting_buffer(&self, length: usize) -> Buffer<T> {
        Buffer::new(self.numbers.allocate(length), length, None)
    }

    /// Whether there is memory to spare for one more buffer of this length.
    pub fn can_keep(&self, length: usize) -> bool {
        let kept: u64 = lock(&self.kept).iter().map(|buffer| buffer.bytes()).sum();
        kept + (length * size_of::<T>()) as u64 <= self.spare.load(Ordering::Relaxed)
    }

    /// Keeps a buffer, and returns it.
    pub fn keep(&self, buffer: Buffer<T>) -> Arc<Buffer<T>> {
        let buffer = Arc::new(buffer);
        lock(&self.kept).push(buffer.clone());
        buffer
    }

    /// Does not keep this buffer any longer.
    pub fn forget(&self, buffer: &Weak<Buffer<T>>) {
        lock(&self.kept).retain(|kept| Arc::as_ptr(kept) != buffer.as_ptr());
    }

    /// Sets how many bytes may be kept, and frees the newest buffers beyond that.
    pub fn set_spare(&self, bytes: u64) {
        self.spare.store(bytes, Ordering::Relaxed);
        let mut total = 0;
        lock(&self.kept).retain(|buffer| {
            total += buffer.bytes();
            total <= bytes
        });
    }

    /// Frees the buffers that are not in use.
    pub fn release(&self) {
        self.numbers.release();
        self.words.release();
    }

    /// Bytes that the system was asked for so far.
    pub fn allocated_bytes(&self) -> u64 {
        let allocated = [&self.numbers.allocated_bytes, &self.words.allocated_bytes];
        allocated
            .map(|bytes| bytes.load(Ordering::Relaxed))
            .iter()
            .sum()
    }
}

/// A buffer. If it has an owner, it goes back there when it is dropped.
pub(super) struct Buffer<T> {
    memory: Vec<T>,
    /// Those elements of `memory` that were asked for.
    elements: Range<usize>,
    owner: Option<Arc<FreeList<T>>>,
}

impl<T: Copy + Default> Buffer<T> {
    fn borrowed(owner: &Arc<FreeList<T>>, length: usize) -> Self {
        Self::new(owner.take(length), length, Some(owner.clone()))
    }

    fn new(memory: Vec<T>, length: usize, owner: Option<Arc<FreeList<T>>>) -> Self {
        Self {
            elements: aligned(&memory, length),
            memory,
            owner,
        }
    }
}

impl<T> Buffer<T> {
    fn bytes(&self) -> u64 {
        size_of_val(&**self) as u64
    }
}

impl<T> Deref for Buffer<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        &self.memory[self.elements.clone()]
    }
}

impl<T> DerefMut for Buffer<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[self.elements.clone()]
    }
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if let Some(owner) = &self.owner {
            owner.put_back(std::mem::take(&mut self.memory));
        }
    }
}

/// Bits of the length that one class of buffers spans: its longest buffer is up to 16 times as long as its shortest.
const CLASS_BITS: usize = 4;

/// Below this length a buffer is made as long as the longest of its class, up to 128 KiB of `f32`. So each can stand in for every other.
const SMALL: usize = 1 << 15;

/// Buffers of one type that are not in use.
struct FreeList<T> {
    /// By the class of their length. Otherwise a thread's small block could take a layer's buffer, and the layer would allocate another.
    classes: [Mutex<Vec<Vec<T>>>; usize::BITS as usize / CLASS_BITS + 1],
    allocated_bytes: AtomicU64,
}

impl<T> Default for FreeList<T> {
    fn default() -> Self {
        Self {
            classes: Default::default(),
            allocated_bytes: AtomicU64::new(0),
        }
    }
}

impl<T: Copy + Default> FreeList<T> {
    /// A buffer with room for this many elements, aligned: the shortest free one of its class that is long enough. If none is, a new
    /// one replaces the longest of the class: buffers grow, rather than that there are some of every length.
    fn take(&self, length: usize) -> Vec<T> {
        let with_padding = padded::<T>(length);
        let mut free = self.of_length(with_padding);
        let long_enough = (0..free.len()).filter(|&i| free[i].len() >= with_padding);
        if let Some(best) = long_enough.min_by_key(|&i| free[i].len()) {
            return free.swap_remove(best);
        }
        let longest = (0..free.len()).max_by_key(|&i| free[i].len());
        let replaced = longest.map(|longest| free.swap_remove(longest));
        drop(free);
        drop(replaced);
        self.allocate(length)
    }

    /// A new buffer with room for this many elements, aligned.
    fn allocate(&self, length: usize) -> Vec<T> {
        let length = padded::<T>(length);
        let length = if length < SMALL {
            (1 << (CLASS_BITS * (class_of(length) + 1) - 1)) - 1
        } else {
            length
        };
        let bytes = (length * size_of::<T>()) as u64;
        self.allocated_bytes.fetch_add(bytes, Ordering::Relaxed);
        // The system clears the pages of such a vector when they are first touched.
        let mut buffer = vec![T::default(); length];
        use_large_pages(&mut buffer);
        buffer
    }
}

impl<T> FreeList<T> {
    fn put_back(&self, buffer: Vec<T>) {
        self.of_length(buffer.len()).push(buffer);
    }

    fn release(&self) {
        for class in &self.classes {
            *lock(class) = Vec::new();
        }
    }

    /// The free buffers of the class of this length.
    fn of_length(&self, length: usize) -> MutexGuard<'_, Vec<Vec<T>>> {
        lock(&self.classes[class_of(length)])
    }
}

/// What the elements of a buffer of this length are aligned to: a large page, where the system can be asked for them and they fill one, or a
/// cache line. Elements before the first whole large page would lie on small pages, and the first access to each of those interrupts the program.
const fn alignment<T>(length: usize) -> usize {
    if cfg!(target_os = "linux") && length * size_of::<T>() >= LARGE_PAGE {
        LARGE_PAGE
    } else {
        LINE
    }
}

/// The length of a buffer with room for this many elements, aligned, wherever the buffer itself begins.
const fn padded<T>(length: usize) -> usize {
    length + alignment::<T>(length) / size_of::<T>() - 1
}

/// The first `length` elements that are aligned.
fn aligned<T>(memory: &[T], length: usize) -> Range<usize> {
    let first = memory.as_ptr().align_offset(alignment::<T>(length));
    first..first + length
}

/// The class of buffers of this length: those of `CLASS_BITS`·class to `CLASS_BITS`·(class + 1) − 1 bits.
fn class_of(length: usize) -> usize {
    (usize::BITS - length.leading_zeros()) as usize / CLASS_BITS
}

fn lock<T>(list: &Mutex<Vec<T>>) -> MutexGuard<'_, Vec<T>> {
    list.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_buffer_serves_requests_of_its_class_and_grows_with_them() {
        let workspace = Workspace::<f32>::default();
        let lend = |length: usize| {
            let before = workspace.allocated_bytes();
            drop(workspace.buffer(length));
            workspace.allocated_bytes() - before
        };
        let new = |length: usize| (padded::<f32>(length) * size_of::<f32>()) as u64;
        assert_eq!(lend(1 << 20), new(1 << 20));
        assert_eq!(lend((1 << 19) + 1), 0);
        // A longer one takes its place.
        assert_eq!(lend(1 << 21), new(1 << 21));
        assert_eq!(lend(1 << 20), 0);
        // A block does not take a layer's buffer.
        assert_eq!(lend(1 << 16), new(1 << 16));
        workspace.release();
        assert_eq!(lend(1 << 20), new(1 << 20));
    }

    #[test]
    fn large_buffers_begin_at_a_large_page_and_others_at_a_cache_line() {
        let workspace = Workspace::<f32>::default();
        let large = if cfg!(target_os = "linux") {
            LARGE_PAGE
        } else {
            LINE
        };
        // The second is lent the memory of the first.
        for length in [3 << 20, 2 << 20] {
            let buffer = workspace.buffer(length);
            assert!(buffer.as_ptr().addr().is_multiple_of(large));
        }
        let array = workspace.array((1 << 10, 1 << 10, 1));
        assert!(array.as_ptr().addr().is_multiple_of(large));
        let words = workspace.words(2 << 20);
        assert!(words.as_ptr().addr().is_multiple_of(large));
        let small = workspace.buffer(LARGE_PAGE / size_of::<f32>() - 1);
        assert!(small.as_ptr().addr().is_multiple_of(LINE));
    }

    #[test]
    fn as_much_is_kept_as_there_is_memory_to_spare_for() {
        let workspace = Workspace::<f32>::default();
        workspace.set_spare(6 << 20);
        assert!(workspace.can_keep(1 << 20) && !workspace.can_keep(2 << 20));
        let keep = || Arc::downgrade(&workspace.keep(workspace.lasting_buffer(1 << 20)));
        let kept = keep();
        assert!(kept.upgrade().is_some() && !workspace.can_keep(1 << 20));
        workspace.forget(&kept);
        assert!(kept.upgrade().is_none() && workspace.can_keep(1 << 20));
        workspace.set_spare(8 << 20);
        let (older, newer) = (keep(), keep());
        workspace.release();
        assert!(older.upgrade().is_some() && newer.upgrade().is_some());
        workspace.set_spare(6 << 20);
        assert!(older.upgrade().is_some() && newer.upgrade().is_none());
        workspace.set_spare(0);
        assert!(older.upgrade().is_none());
    }

    #[test]
    fn a_small_buffer_stands_in_for_a_longer_one() {
        let workspace = Workspace::<f32>::default();
        drop([workspace.buffer(3000), workspace.buffer(30_000)]);
        let before = workspace.allocated_bytes();
        drop([workspace.buffer(30_000), workspace.buffer(30_000)]);
        assert_eq!(workspace.allocated_bytes(), before);
    }
}
