//! What the system does with memory.

use memmap2::Mmap;
use std::fs::File;
use std::io;

/// The bytes of a file, which are read from it when they are looked at.
///
/// Nobody may change the file meanwhile: bytes would change under those who read them, and if the file gets shorter, the
/// system ends the program.
///
/// # Errors
/// If the system cannot map it.
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: The map is only read. That no other program changes the file while it is mapped, the second for which weights are
    // read, is for the user to see to: nothing here can. What is read is copied and checked before it is used.
    unsafe { Mmap::map(file) }
}

/// Lets memory that is freed go back to the system, in pieces of a MiB and more, from now on.
///
/// glibc learns from the large buffers that a program frees to keep such buffers for itself. What is freed while a run is
/// set up is never asked for again in the same sizes: it would stay for nothing, 0.1 GB with VGG-19.
pub fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt sets a number under the allocator's own lock; no memory is touched. A refusal changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}
