//! Networks that are built once and used by one run after the other.

use super::Settings;
use crate::files::weights::Weights;
use crate::network::Network;
use crate::ops::conv::{Engine, Padding};
use crate::ops::pool::Pooling;
use std::sync::Arc;

/// The network of the last run, for the next one of the same kind.
#[derive(Default)]
pub struct Networks(Option<(Kind, Arc<Network<f32>>)>);

/// What networks of the same weights differ in.
#[derive(Clone, Copy, PartialEq)]
struct Kind {
    pooling: Pooling,
    padding: Padding,
    engine: Engine,
}

impl Networks {
    /// A network of at least this depth: the last one if it will do, else a new one. All `weights` of one collection are the same.
    pub(super) fn take(
        &mut self,
        weights: &Weights,
        settings: &Settings,
        depth: usize,
    ) -> Arc<Network<f32>> {
        let kind = Kind {
            pooling: settings.pooling,
            padding: match settings.seamless {
                true => Padding::Circular,
                false => Padding::Zero,
            },
            engine: settings.engine,
        };
        match &self.0 {
            Some((last, network)) if *last == kind && network.depth() >= depth => network.clone(),
            _ => {
                self.0 = None; // before the next takes its memory
                let Kind {
                    pooling,
                    padding,
                    engine,
                } = kind;
                let network = Arc::new(Network::new(weights, pooling, padding, depth, engine));
                self.0 = Some((kind, network.clone()));
                network
            }
        }
    }
}
