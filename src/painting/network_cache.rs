//! A network that one run after the other uses.

use super::Settings;
use crate::engine::{Engine, EngineKind};
use crate::files::weights::Weights;
use crate::method::{Padding, Pooling};
use crate::network::Network;
use std::sync::Arc;

/// The network of the last run, for the next run if it needs the same one. All runs must have the same weights.
#[derive(Default)]
pub struct NetworkCache(Option<(NetworkKind, Arc<Network<f32>>)>);

/// What networks with the same weights can differ in, besides their depth.
#[derive(Clone, Copy, PartialEq)]
struct NetworkKind {
    pooling: Pooling,
    padding: Padding,
    replicate_edges: bool,
    engine: EngineKind,
}

impl NetworkCache {
    /// A network of at least this depth: the last one if it is of the right kind and deep enough, or else a new one.
    pub(super) fn get(
        &mut self,
        weights: &Weights,
        settings: &Settings,
        engine: EngineKind,
        depth: usize,
    ) -> Arc<Network<f32>> {
        let kind = NetworkKind {
            pooling: settings.pooling,
            padding: padding(settings),
            replicate_edges: settings.replicate_edges,
            engine,
        };
        match &self.0 {
            Some((last, network)) if *last == kind && network.depth() >= depth => network.clone(),
            _ => {
                self.0 = None; // frees its memory before the next one needs it
                let network = Arc::new(network(weights, settings, engine.build(), depth));
                self.0 = Some((kind, network.clone()));
                network
            }
        }
    }
}

/// The network of a run: its first `depth` layers.
pub(super) fn network(
    weights: &Weights,
    settings: &Settings,
    engine: Arc<dyn Engine<f32>>,
    depth: usize,
) -> Network<f32> {
    let network = Network::new(weights, settings.pooling, padding(settings), depth, engine);
    if settings.replicate_edges {
        network.replicating_edges()
    } else {
        network
    }
}

fn padding(settings: &Settings) -> Padding {
    if settings.seamless {
        Padding::Circular
    } else {
        Padding::Zero
    }
}
