//! Processes that compute one picture together, and how they exchange data.
//!
//! Everything that passes between them is an [`exchange`](Communicator::exchange); sums, broadcasts and votes are made of it. Sums are added
//! in the order of the ranks, so that they have the same bits on any network, and on all processes.

use super::Scalar;
use bytemuck::Pod;

/// How a process exchanges data with the others. All processes call the same functions in the same order.
// ANCHOR: communicator
pub trait Communicator: Send + Sync {
    /// The number of this process, from 0.
    fn rank(&self) -> usize;

    /// How many processes there are.
    fn ranks(&self) -> usize;

    /// Sends `outgoing[r]` to each process r, this one included, and returns what each process r sent to this one.
    fn exchange(&self, outgoing: Vec<Vec<u8>>) -> Vec<Vec<u8>>;

    /// How many bytes this process has sent to others.
    fn sent(&self) -> u64;
}
// ANCHOR_END: communicator

/// A process without others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Communicator for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn ranks(&self) -> usize {
        1
    }

    fn exchange(&self, outgoing: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        outgoing
    }

    fn sent(&self) -> u64 {
        0
    }
}

/// Elements that are summed in one round, in which each process sends all of its own to all others. More are summed in two, in which
/// each process sums a part of them for all.
const FEW: usize = 256;

impl dyn Communicator + '_ {
    /// Whether this is the process that reads, reports and writes.
    pub fn is_first(&self) -> bool {
        self.rank() == 0
    }

    /// [`exchange`](Communicator::exchange) of numbers.
    pub fn exchange_numbers<N: Pod>(&self, outgoing: Vec<Vec<N>>) -> Vec<Vec<N>> {
        if self.ranks() == 1 {
            return outgoing;
        }
        let outgoing = outgoing
            .iter()
            .map(|numbers| bytemuck::cast_slice(numbers).to_vec());
        let received = self.exchange(outgoing.collect());
        received
            .iter()
            .map(|bytes| bytemuck::pod_collect_to_vec(bytes))
            .collect()
    }

    /// What each process has, on all of them.
    pub fn all_gather<N: Pod>(&self, own: &[N]) -> Vec<Vec<N>> {
        self.exchange_numbers(vec![own.to_vec(); self.ranks()])
    }

    /// Replaces `values` by the sums of the values of all processes, added up in the order of the ranks.
    pub fn sum<T: Scalar>(&self, values: &mut [T]) {
        let ranks = self.ranks();
        if ranks == 1 {
            return;
        }
        if values.len() <= FEW {
            let all = self.all_gather(values);
            values.copy_from_slice(&in_order(all));
            return;
        }
        let length = values.len().div_ceil(ranks);
        let part = |rank: usize| {
            let first = (rank * length).min(values.len());
            values[first..(first + length).min(values.len())].to_vec()
        };
        let sums = in_order(self.exchange_numbers((0..ranks).map(part).collect()));
        let sums: Vec<T> = self.all_gather(&sums).concat();
        values.copy_from_slice(&sums);
    }

    /// The sum of the values of all processes.
    pub fn sum_of(&self, value: f64) -> f64 {
        let mut sum = [value];
        self.sum(&mut sum);
        sum[0]
    }

    /// The largest of the values of all processes.
    pub fn max(&self, value: f64) -> f64 {
        self.all_gather(&[value])
            .concat()
            .into_iter()
            .fold(value, f64::max)
    }

    /// The smallest of the values of all processes.
    pub fn min(&self, value: u64) -> u64 {
        self.all_gather(&[value])
            .concat()
            .into_iter()
            .fold(value, u64::min)
    }

    /// Whether it is so on all processes.
    pub fn all(&self, is_so: bool) -> bool {
        self.all_gather(&[u8::from(is_so)])
            .concat()
            .iter()
            .all(|&one| one == 1)
    }

    /// What the first process has, on all of them. The others' `bytes` do not count.
    pub fn broadcast(&self, bytes: Vec<u8>) -> Vec<u8> {
        let (rank, ranks) = (self.rank(), self.ranks());
        let mut bytes = bytes;
        // In each round, each process that has them sends them to one that does not.
        let mut have = 1;
        while have < ranks {
            let mut outgoing = vec![Vec::new(); ranks];
            if rank < have && rank + have < ranks {
                outgoing[rank + have].clone_from(&bytes);
            }
            let mut received = self.exchange(outgoing);
            if (have..2 * have).contains(&rank) {
                bytes = std::mem::take(&mut received[rank - have]);
            }
            have *= 2;
        }
        bytes
    }

    /// The first process that has a `trouble`, and its trouble; `None` if no process has any.
    pub fn first_trouble(&self, trouble: Option<String>) -> Option<(usize, String)> {
        let own = trouble.map_or_else(Vec::new, String::into_bytes);
        let all = self.all_gather(&own);
        let (rank, first) = all
            .iter()
            .enumerate()
            .find(|(_, trouble)| !trouble.is_empty())?;
        Some((rank, String::from_utf8_lossy(first).into_owned()))
    }
}

// ANCHOR: in_order
/// The sums of the elements of these vectors.
fn in_order<T: Scalar>(vectors: Vec<Vec<T>>) -> Vec<T> {
    let sum = |mut sum: Vec<T>, vector: Vec<T>| {
        sum.iter_mut()
            .zip(vector)
            .for_each(|(sum, value)| *sum += value);
        sum
    };
    vectors.into_iter().reduce(sum).unwrap_or_default()
}
// ANCHOR_END: in_order
