//! Loss and gradients of one batch, without an update.

use nn_engine::{
    BatchSpec, Batches, Engine, EngineError, NamedTensor, Split, check_batches, check_replica,
};
use nn_graph::Op;

use crate::ReferenceEngine;
use crate::engine::ForwardBackward;
use crate::op::max_pool;
use crate::replica::named;

/// What one batch gives at one point: the loss and its derivatives.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Images whose largest logit was the right one.
    pub correct: u32,
    /// Result of the network with the batch's statistics, `[images, classes]`.
    pub logits: NamedTensor,
    /// `∂loss/∂p` of every parameter `p`, trained or fixed, in the graph's order, with its name and
    /// shape. Weight decay is not part of it.
    pub parameters: Vec<NamedTensor>,
}

impl ReferenceEngine {
    /// Loss, logits and gradients of one batch of training images at a replica's parameters, as a
    /// training step computes them. Changes nothing.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use nn_engine::{BatchSpec, Engine, EngineOptions, ImageSet, Split};
    /// use nn_graph::{Bias, GraphBuilder, Shape, Training};
    /// use nn_reference::ReferenceEngine;
    ///
    /// let mut net = GraphBuilder::new(Shape::new([1, 1, 2]))?;
    /// let x = net.global_average_pool("pool", net.input())?;
    /// let x = net.linear("head", x, 2, Bias::None, Training::Trained)?;
    /// let graph = net.finish(x)?;
    /// let mut engine = ReferenceEngine::new(&graph, EngineOptions::new(&graph, 1))?;
    /// let image = ImageSet::new([1, 1, 2], vec![255, 51], vec![0], vec![0.0], vec![1.0])?;
    /// engine.load_images(Split::Train, Arc::new(image))?;
    ///
    /// let gradients = engine.gradients(0, &BatchSpec::plain(vec![0]))?;
    /// // The pooled pixel is 0.6: one class goes up as the other goes down.
    /// let [up, down] = gradients.parameters[0].values[..] else { unreachable!() };
    /// assert!((up + down).abs() < 1e-15);
    /// let probability = (-gradients.loss).exp();
    /// assert!((up - 0.6 * (probability - 1.0)).abs() < 1e-15);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`EngineError::Replica`], [`EngineError::NoImages`], [`EngineError::Batch`] or
    /// [`EngineError::Memory`].
    pub fn gradients(&self, replica: usize, batch: &BatchSpec) -> Result<Gradients, EngineError> {
        let step = self.checked_forward_backward(replica, batch)?;
        let graph = self.graph();
        let output = graph.node(graph.output());
        let shape = [batch.len(), output.shape.channels()];
        let parameters = graph.parameters().iter().zip(&step.gradients);
        Ok(Gradients {
            loss: step.loss,
            correct: step.correct,
            logits: named(output.name.clone(), &shape, step.activations.logits(graph)),
            parameters: parameters
                .map(|(parameter, gradient)| {
                    named(parameter.name.clone(), &parameter.shape, gradient)
                })
                .collect(),
        })
    }

    /// How close a batch comes to a kink of the loss: the smallest `|x|` of all inputs `x ≠ 0` of
    /// ReLUs, and the smallest lead of a maximum over another value of its pooling window, as a share of the root
    /// mean square of its tensor; infinite without either. An engine whose rounding errors are smaller than this
    /// agrees with the reference on every ReLU's side and on every maximum.
    ///
    /// # Errors
    /// As [`gradients`](Self::gradients).
    pub fn kink_distance(&self, replica: usize, batch: &BatchSpec) -> Result<f64, EngineError> {
        let step = self.checked_forward_backward(replica, batch)?;
        let mut smallest = f64::INFINITY;
        for node in self.graph().nodes() {
            let Some(&x) = node.inputs.first() else {
                continue;
            };
            let x = step.activations.of(x);
            let distance = match &node.op {
                Op::Relu => {
                    let sizes = x.iter().map(|x| x.abs()).filter(|&size| size > 0.0);
                    sizes.fold(f64::INFINITY, f64::min)
                }
                Op::MaxPool(pool) => max_pool::smallest_lead(pool, x),
                _ => continue,
            };
            let mean_square = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
            smallest = smallest.min(distance / mean_square.sqrt());
        }
        Ok(smallest)
    }

    fn checked_forward_backward(
        &self,
        replica: usize,
        batch: &BatchSpec,
    ) -> Result<ForwardBackward, EngineError> {
        self.check_batch(replica, batch)?;
        self.in_pool(|| self.forward_backward(replica, batch))
    }

    /// Whether there is this replica, and this batch of training images.
    pub(crate) fn check_batch(&self, replica: usize, batch: &BatchSpec) -> Result<(), EngineError> {
        check_replica(replica, &self.options)?;
        let images = self.images.get(Split::Train)?;
        let batches = Batches::shared(std::slice::from_ref(batch));
        check_batches(batches, images, &self.options)?;
        self.check_batch_memory(batch.len())
    }
}
