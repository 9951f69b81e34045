//! A correct engine that starts from slightly other parameters.

use std::sync::Arc;

use nn_engine::{
    Batches, Device, Engine, EngineError, EngineOptions, Evaluation, HyperTable, ImageSet,
    ParameterComparison, Precision, Split, State, Stats, Symmetry,
};
use nn_graph::Graph;
use nn_reference::ReferenceEngine;

/// The reference, started from parameters that are each off by a share of themselves.
pub(super) struct Disturbed {
    inner: ReferenceEngine,
    by: f64,
    /// How far each value of each parameter was moved; the states that it tells lack that.
    off: Vec<Vec<f64>>,
}

impl Disturbed {
    /// Every parameter that is trained is off by a share `by` of itself.
    pub(super) fn new(graph: &Graph, options: EngineOptions, by: f64) -> Result<Self, EngineError> {
        Ok(Self {
            inner: ReferenceEngine::new(graph, options)?,
            by,
            off: Vec::new(),
        })
    }
}

/// Changes a value by a share of itself, up or down without a pattern; returns the change.
fn disturb(number: usize, value: &mut f64, by: f64) -> f64 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let before = *value;
    *value *= if mixed >> 63 == 0 { 1.0 + by } else { 1.0 - by };
    *value - before
}

impl Engine for Disturbed {
    fn device(&self) -> Device {
        Device {
            precision: Precision::Float32,
            ..self.inner.device()
        }
    }

    fn graph(&self) -> &Graph {
        self.inner.graph()
    }

    fn replicas(&self) -> usize {
        self.inner.replicas()
    }

    fn symmetry(&self) -> &Symmetry {
        self.inner.symmetry()
    }

    fn load_images(&mut self, split: Split, images: Arc<ImageSet>) -> Result<(), EngineError> {
        self.inner.load_images(split, images)
    }

    fn run(&mut self, batches: Batches<'_>, hyper: &HyperTable) -> Result<Stats, EngineError> {
        self.inner.run(batches, hyper)
    }

    fn evaluate(
        &mut self,
        replica: usize,
        split: Split,
        scale_ratios: &[f64],
    ) -> Result<Evaluation, EngineError> {
        self.inner.evaluate(replica, split, scale_ratios)
    }

    fn state(&self, replica: usize) -> Result<State, EngineError> {
        let mut state = self.inner.state(replica)?;
        for (tensor, off) in state.tensors.iter_mut().zip(&self.off) {
            let values = tensor.values.iter_mut().zip(off);
            values.for_each(|(value, off)| *value -= off);
        }
        Ok(state)
    }

    fn load_state(&mut self, replica: usize, state: &State) -> Result<(), EngineError> {
        let mut disturbed = state.clone();
        let parameters = self.graph().parameters().iter();
        self.off = parameters
            .zip(&mut disturbed.tensors)
            .map(|(parameter, tensor)| {
                let by = if parameter.trainable { self.by } else { 0.0 };
                let values = tensor.values.iter_mut().enumerate();
                values
                    .map(|(number, value)| disturb(number, value, by))
                    .collect()
            })
            .collect();
        self.inner.load_state(replica, &disturbed)
    }

    fn compare(&self, a: usize, b: usize) -> Result<Vec<ParameterComparison>, EngineError> {
        self.inner.compare(a, b)
    }
}
