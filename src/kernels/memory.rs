//! What the C library does with memory.

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
