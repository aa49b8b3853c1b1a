//! Processes that an MPI launcher started, on one machine or on several.
//!
//! MPI may be called from any thread, but not from two at once: [`Mpi`] holds a lock during each exchange.

use crate::method::Communicator;
use ::mpi::Threading;
use ::mpi::environment::Universe;
use ::mpi::request;
use ::mpi::topology::SimpleCommunicator;
use ::mpi::traits::{Communicator as _, CommunicatorCollectives, Destination, Source};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes of a message, at most: MPI counts them in 32 bits.
const MESSAGE: usize = 1 << 30;

/// All processes that the launcher started together with this one.
pub struct Mpi {
    rank: usize,
    ranks: usize,
    sent: AtomicU64,
    lock: Mutex<()>,
}

/// Ends the use of MPI when it is dropped. If this process panics, it ends the others too, which would wait for it.
pub struct Session(Universe);

impl Mpi {
    /// Joins the other processes. To be called once.
    ///
    /// # Errors
    /// If it was called before, or the library of MPI cannot be used with threads.
    pub fn join() -> Result<(Session, Self), &'static str> {
        let initialized = ::mpi::initialize_with_threading(Threading::Serialized);
        let (universe, threading) = initialized.ok_or("MPI is in use already")?;
        if threading < Threading::Serialized {
            return Err("the installed MPI does not go with threads");
        }
        let world = SimpleCommunicator::world();
        let mpi = Self {
            rank: world.rank() as usize,
            ranks: world.size() as usize,
            sent: AtomicU64::new(0),
            lock: Mutex::new(()),
        };
        Ok((Session(universe), mpi))
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.world().abort(1);
        }
    }
}

impl Communicator for Mpi {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.ranks
    }

    fn exchange(&self, mut outgoing: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let _lock = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        let world = SimpleCommunicator::world();
        let own = std::mem::take(&mut outgoing[self.rank]);
        let lengths: Vec<u64> = outgoing.iter().map(|bytes| bytes.len() as u64).collect();
        let mut expected = vec![0_u64; self.ranks];
        world.all_to_all_into(&lengths, &mut expected);
        let of_lengths = 8 * (self.ranks as u64 - 1);
        (self.sent).fetch_add(lengths.iter().sum::<u64>() + of_lengths, Ordering::Relaxed);
        let mut received: Vec<Vec<u8>> =
            (expected.iter().map(|&length| vec![0; length as usize])).collect();
        request::scope(|scope| {
            let mut receiving = Vec::new();
            for (rank, bytes) in (0..).zip(&mut received) {
                let from = world.process_at_rank(rank);
                let messages = bytes.chunks_mut(MESSAGE);
                receiving.extend(messages.map(|part| from.immediate_receive_into(scope, part)));
            }
            let mut sending = Vec::new();
            for (rank, bytes) in (0..).zip(&outgoing) {
                let to = world.process_at_rank(rank);
                let messages = bytes.chunks(MESSAGE);
                sending.extend(messages.map(|part| to.immediate_send(scope, part)));
            }
            receiving.into_iter().for_each(|message| {
                message.wait();
            });
            sending.into_iter().for_each(|message| {
                message.wait();
            });
        });
        received[self.rank] = own;
        received
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}
