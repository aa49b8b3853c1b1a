//! Processes that paint together, played by threads of this one.

use impasto::method::Communicator;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// One of the threads.
struct Played {
    rank: usize,
    to: Vec<Sender<Vec<u8>>>,
    from: Vec<Mutex<Receiver<Vec<u8>>>>,
    sent: AtomicU64,
}

impl Communicator for Played {
    fn rank(&self) -> usize {
        self.rank
    }

    fn ranks(&self) -> usize {
        self.to.len()
    }

    fn exchange(&self, outgoing: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        for ((rank, to), bytes) in self.to.iter().enumerate().zip(outgoing) {
            if rank != self.rank {
                self.sent.fetch_add(bytes.len() as u64, Ordering::Relaxed);
            }
            to.send(bytes).unwrap();
        }
        (self.from.iter())
            .map(|from| from.lock().unwrap().recv().unwrap())
            .collect()
    }

    fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

/// What `f` returns on each of this many processes.
pub fn on_processes<R: Send>(
    ranks: usize,
    f: impl Fn(Arc<dyn Communicator>) -> R + Sync,
) -> Vec<R> {
    let mut senders: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
    let mut receivers: Vec<Vec<_>> = (0..ranks).map(|_| Vec::new()).collect();
    for to in &mut senders {
        for from in &mut receivers {
            let (sender, receiver) = channel();
            to.push(sender);
            from.push(Mutex::new(receiver));
        }
    }
    let worlds = senders.into_iter().zip(receivers).enumerate();
    let worlds: Vec<_> = worlds
        .map(|(rank, (to, from))| Played {
            rank,
            to,
            from,
            sent: AtomicU64::new(0),
        })
        .collect();
    let f = &f;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (worlds.into_iter())
            .map(|world| scope.spawn(move || f(Arc::new(world))))
            .collect();
        (threads.into_iter())
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}
