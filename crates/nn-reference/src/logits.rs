//! The network's result, and nothing more.

use nn_engine::{BatchSpec, Engine, EngineError, NamedTensor, Split};

use crate::ReferenceEngine;
use crate::engine::input;
use crate::network;
use crate::replica::named;

/// Which mean and variance batch normalisation uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Statistics {
    /// The batch's own, as in training.
    Batch,
    /// The running averages, as in evaluation.
    Running,
}

impl ReferenceEngine {
    /// The network's result for a batch of training images at a replica's parameters, `[images, classes]`. Changes nothing.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use nn_engine::{BatchSpec, Engine, EngineOptions, ImageSet, Split};
    /// use nn_graph::{Bias, GraphBuilder, Shape, Training};
    /// use nn_reference::{ReferenceEngine, Statistics};
    ///
    /// let mut net = GraphBuilder::new(Shape::new([1, 1, 2]))?;
    /// let x = net.global_average_pool("pool", net.input())?;
    /// let x = net.linear("head", x, 1, Bias::None, Training::Trained)?;
    /// let graph = net.finish(x)?;
    /// let mut engine = ReferenceEngine::new(&graph, EngineOptions::new(&graph, 1))?;
    /// let image = ImageSet::new([1, 1, 2], vec![255, 51], vec![0], vec![0.0], vec![1.0])?;
    /// engine.load_images(Split::Train, Arc::new(image))?;
    ///
    /// let logits = engine.logits(0, &BatchSpec::plain(vec![0]), Statistics::Batch)?;
    /// // The pooled pixel is 0.6.
    /// let weight = engine.state(0)?.get("head.weight").unwrap().values[0];
    /// assert!((logits.values[0] - 0.6 * weight).abs() < 1e-15);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`gradients`](Self::gradients).
    pub fn logits(
        &self,
        replica: usize,
        batch: &BatchSpec,
        statistics: Statistics,
    ) -> Result<NamedTensor, EngineError> {
        self.check_batch(replica, batch)?;
        let (graph, images) = (self.graph(), self.images.get(Split::Train)?);
        let state = &self.replicas[replica];
        let running = match statistics {
            Statistics::Batch => None,
            Statistics::Running => {
                let ratios = std::iter::repeat_n(1.0, self.options.symmetry.groups());
                Some(state.rescaled_running(&self.options.symmetry, ratios))
            }
        };
        let done = self.in_pool(|| {
            let input = input(images, batch);
            network::forward(graph, state, input, running.as_deref())
        })?;
        let output = graph.node(graph.output());
        let shape = [batch.len(), output.shape.channels()];
        Ok(named(output.name.clone(), &shape, done.logits(graph)))
    }
}
