//! Requests to the operating system that concern memory.

use memmap2::Mmap;
use std::fs::File;
use std::io;

/// Maps a file into memory. The system reads its bytes when they are first used.
///
/// The file must not change meanwhile. If it did, the bytes would change too; if it became shorter, the system would end the
/// program.
///
/// # Errors
/// If the system cannot map it.
pub(crate) fn map_file(file: &File) -> io::Result<Mmap> {
    // SAFETY: The map is only read. It lasts for the second in which weights or a checkpoint are read. That no other program
    // changes the file in this time is up to the user; nothing here can ensure it. What is read is copied and checked before use.
    unsafe { Mmap::map(file) }
}

/// From now on the allocator returns freed blocks of a MiB and more to the system at once.
///
/// By default glibc retains large freed blocks for the next request of the same size. The blocks that are freed while a run is set
/// up are never requested again; retaining them would waste 0.1 GB with VGG-19.
pub fn return_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: mallopt sets a number under the allocator's own lock; no memory is touched. A refusal changes nothing.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20);
    }
}

/// Bytes of a large page.
pub(crate) const LARGE_PAGE: usize = 2 << 20;

/// Asks the system to put this memory, which nobody has touched yet, on large pages. Memory that is smaller than one stays as it is.
///
/// The planes of transformed tiles are far apart, so that each access needs another page, and a CPU remembers where only so many
/// pages are. One of 2 MiB replaces 512 of 4 KiB.
pub(crate) fn use_large_pages<T>(memory: &mut [T]) {
    #[cfg(target_os = "linux")]
    {
        /// The small pages of every processor that the program is built for are at most as large.
        const PAGE: usize = 1 << 16;
        if size_of_val(memory) < LARGE_PAGE {
            return;
        }
        let addresses = memory.as_mut_ptr_range();
        let first = addresses.start.addr().next_multiple_of(PAGE);
        let end = addresses.end.addr() & !(PAGE - 1);
        if first < end {
            let from = addresses.start.with_addr(first);
            // SAFETY: these are whole pages inside `memory`. The advice does not change what is in them, and a refusal changes nothing.
            unsafe {
                libc::madvise(from.cast(), end - first, libc::MADV_HUGEPAGE);
            }
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = memory;
}
