//! Networks that are built once and used by one run after the other.

use crate::network::Network;
use crate::ops::conv::Engine;
use crate::ops::pool::Pooling;
use crate::weights::Weights;
use std::sync::Arc;

/// The network of the last run, for the next one of the same kind.
#[derive(Default)]
pub struct Networks(Option<(Kind, Arc<Network<f32>>)>);

/// What networks of the same weights differ in.
#[derive(Clone, Copy, PartialEq)]
struct Kind {
    pooling: Pooling,
    engine: Engine,
}

impl Networks {
    /// A network of at least this depth: the last one if it will do, else a new one. All `weights` of one collection are the same.
    pub(super) fn take(
        &mut self,
        weights: &Weights,
        pooling: Pooling,
        depth: usize,
        engine: Engine,
    ) -> Arc<Network<f32>> {
        let kind = Kind { pooling, engine };
        match &self.0 {
            Some((last, network)) if *last == kind && network.depth() >= depth => network.clone(),
            _ => {
                self.0 = None; // before the next takes its memory
                let network = Arc::new(Network::new(weights, pooling, depth, engine));
                self.0 = Some((kind, network.clone()));
                network
            }
        }
    }
}
