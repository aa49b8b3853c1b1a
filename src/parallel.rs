//! Loops that all threads share.
//!
//! Each thread begins with a part of its own. A thread that has finished its part helps with the others' (Markatos and LeBlanc 1994, Using
//! processor affinity in loop scheduling on shared-memory multiprocessors). So a thread often finds in its cache what it wrote in the loop before,
//! and all threads finish at about the same time.
//!
//! rayon starts the threads. Its parallel iterators are not used: they are compiled anew for each body, into some thirty functions that divide and
//! join. They would be a fifth of this crate's code.

use rayon::prelude::*;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A thread takes 1/`SHARES` of what is left of a part, at least one item: many at first, which takes the lock rarely, and one at last, so that
/// what remains can be shared.
const SHARES: usize = 4;

/// Calls `work` with each item, on all threads.
pub(crate) fn for_each<I: Send>(
    items: impl IntoIterator<IntoIter: ExactSizeIterator, Item = I>,
    work: impl Fn(I) + Sync,
) {
    for_each_with(items, || (), |(), item| work(item));
}

/// As [`for_each`]. For each thread that gets work, `init` makes a value that `work` may change, such as a buffer.
///
/// No lock is held while `work` runs, so loops may be nested.
// ANCHOR: for_each_with
pub(crate) fn for_each_with<I: Send, V>(
    items: impl IntoIterator<IntoIter: ExactSizeIterator, Item = I>,
    init: impl Fn() -> V + Sync,
    work: impl Fn(&mut V, I) + Sync,
) {
    let mut items = items.into_iter();
    let threads = rayon::current_num_threads().min(items.len());
    // Each part gets an equal share of the items that are left, in their order.
    let parts = (1..=threads).rev().map(|parts_left| {
        let length = items.len() / parts_left;
        let part: Vec<I> = items.by_ref().take(length).collect();
        Mutex::new(part.into_iter())
    });
    let parts: Vec<_> = parts.collect();
    on_threads(threads, &|| {
        let thread = rayon::current_thread_index().unwrap_or(0);
        let (mut value, mut taken) = (None, Vec::new());
        // Its own part first, then each of the others.
        for part in parts.iter().cycle().skip(thread % threads).take(threads) {
            loop {
                let mut left = part.lock().expect("nothing panics while it is held");
                let share = left.len().div_ceil(SHARES);
                taken.extend(left.by_ref().take(share));
                drop(left);
                if taken.is_empty() {
                    break;
                }
                let value = value.get_or_insert_with(&init);
                taken.drain(..).for_each(|item| work(value, item));
            }
        }
    });
}
// ANCHOR_END: for_each_with

/// Returns what `work` makes of each item, in the order of the items.
pub(crate) fn map<I: Send, R: Send>(
    items: impl IntoIterator<IntoIter: ExactSizeIterator, Item = I>,
    work: impl Fn(I) -> R + Sync,
) -> Vec<R> {
    map_with(items, || (), |(), item| work(item))
}

/// As [`map`]. For each thread that gets work, `init` makes a value that `work` may change, such as a buffer.
pub(crate) fn map_with<I: Send, R: Send, V>(
    items: impl IntoIterator<IntoIter: ExactSizeIterator, Item = I>,
    init: impl Fn() -> V + Sync,
    work: impl Fn(&mut V, I) -> R + Sync,
) -> Vec<R> {
    let items = items.into_iter();
    let mut results: Vec<Option<R>> = (0..items.len()).map(|_| None).collect();
    let places = items.zip(&mut results);
    for_each_with(places, init, |value, (item, result)| {
        *result = Some(work(value, item));
    });
    let results = results.into_iter().map(|r| r.expect("work is done"));
    results.collect()
}

/// How long a thread spins, at most, until the others have finished their last items.
const MAX_SPIN: Duration = Duration::from_micros(100);

/// Calls `work` this many times, on as many threads as are free. A call that begins late may find no items left. This is not generic, and is
/// compiled once.
///
/// A thread with nothing left to do spins for a while. rayon lets a thread sleep that has found no work for some 15 µs, and to wake it takes 20 to
/// 35 µs (2-core Intel Xeon). If it begins to look for work only when the loop ends, it is mostly still awake when the next loop begins.
fn on_threads(threads: usize, work: &(dyn Fn() + Sync)) {
    let working = AtomicUsize::new(0);
    (0..threads).into_par_iter().with_max_len(1).for_each(|_| {
        working.fetch_add(1, Ordering::Relaxed);
        work();
        working.fetch_sub(1, Ordering::Relaxed);
        let done = Instant::now();
        while working.load(Ordering::Relaxed) > 0 && done.elapsed() < MAX_SPIN {
            thread::yield_now();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;

    fn on(threads: usize, work: impl FnOnce() + Send) {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads start").install(work);
    }

    #[test]
    fn each_item_is_taken_once_on_any_number_of_threads() {
        for (threads, count) in [(1, 7), (2, 0), (2, 1), (3, 1000), (5, 4)] {
            on(threads, || {
                let mut calls = vec![0; count];
                for_each(&mut calls, |calls| *calls += 1);
                assert_eq!(calls, vec![1; count], "{threads} threads");
            });
        }
    }

    #[test]
    fn results_are_in_the_order_of_the_items() {
        on(3, || {
            let squares: Vec<usize> = (0..1000).map(|k| k * k).collect();
            assert_eq!(map(0..1000, |k: usize| k * k), squares);
        });
    }

    #[test]
    fn a_thread_makes_its_own_value_once_and_only_if_it_has_work() {
        on(3, || {
            let made = AtomicUsize::new(0);
            let init = || made.fetch_add(1, Ordering::Relaxed);
            for_each_with(0..1000, init, |_, _| ());
            assert!((1..=3).contains(&made.load(Ordering::Relaxed)));
            for_each_with(
                0..0,
                || unreachable!("there is no work"),
                |_: &mut (), _| (),
            );
        });
    }

    #[test]
    fn each_thread_begins_with_its_own_part() {
        on(2, || {
            // Each thread waits in its first item until the other has one too.
            let (barrier, first) = (Barrier::new(2), Mutex::new([None; 2]));
            for_each(0..100, |item| {
                let thread = rayon::current_thread_index().expect("it is one of two");
                if first.lock().unwrap()[thread].is_none() {
                    first.lock().unwrap()[thread] = Some(item);
                    barrier.wait();
                }
            });
            assert_eq!(first.into_inner().unwrap(), [Some(0), Some(50)]);
        });
    }

    #[test]
    fn loops_may_be_nested() {
        on(2, || {
            let sums = map(0..20, |i| map(0..50, |j| i * j).into_iter().sum::<usize>());
            let expected: Vec<usize> = (0..20).map(|i| i * 49 * 25).collect();
            assert_eq!(sums, expected);
        });
    }

    #[test]
    fn a_panic_of_the_work_reaches_the_caller() {
        on(2, || {
            let result = std::panic::catch_unwind(|| for_each(0..100, |k| assert_ne!(k, 50)));
            assert!(result.is_err());
        });
    }
}
