//! Work for all threads, with buffers for each.

use super::workspace::{Buffer, Workspace};
use crate::method::Scalar;
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Calls `work` for each item. Each thread takes the next item whenever it is free, and has buffers of its own of these lengths.
pub(super) fn for_each_with_buffers<T: Scalar, I: Send, const N: usize>(
    items: Vec<I>,
    lengths: [usize; N],
    workspace: &Workspace<T>,
    work: impl Fn(&mut [Buffer<T>; N], I) + Sync,
) {
    let threads = rayon::current_num_threads().min(items.len());
    let items = Mutex::new(items.into_iter());
    (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
        let mut buffers = None;
        loop {
            let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some(item) = next else { break };
            let buffers =
                buffers.get_or_insert_with(|| lengths.map(|length| workspace.buffer(length)));
            work(buffers, item);
        }
    });
}
