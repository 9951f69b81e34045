//! Networks of random topology against the float64 reference, on every instruction set, on one thread and on two.

use std::sync::Arc;

use nn_cpu::{CpuEngine, Level};
use nn_engine::conformance::{Algorithm, Bounds, Case, Deviation, Kinks, Stage, run_case};
use nn_engine::strategies::{case, seeded};
use nn_engine::{
    BatchSpec, Device, Engine, EngineError, EngineOptions, Evaluation, HyperTable, ImageSet,
    NamedTensor, ParameterComparison, Precision, Split, State, Stats,
};
use nn_graph::Graph;
use nn_reference::ReferenceEngine;
use proptest::prelude::*;

/// Seeds of which one must be fair.
const SEEDS: u64 = 20;

/// Norm below which gradients are what is left of larger terms that cancel: the bounds are relative to all gradients
/// together, since that of one parameter may cancel.
const LEAST_GRADIENT: f64 = 0.2;

/// The reference, started from parameters that are each off by a share of themselves.
struct Disturbed {
    inner: ReferenceEngine,
    by: f64,
    /// How far each value of each parameter was moved; the states that it tells lack that.
    off: Vec<Vec<f64>>,
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

    fn symmetry(&self) -> &nn_engine::Symmetry {
        self.inner.symmetry()
    }

    fn load_images(&mut self, split: Split, images: Arc<ImageSet>) -> Result<(), EngineError> {
        self.inner.load_images(split, images)
    }

    fn run(&mut self, batches: &[BatchSpec], hyper: &HyperTable) -> Result<Stats, EngineError> {
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

/// Whether the bounds hold for a correct engine: they suppose that operations pass errors on without amplifying them,
/// and that nothing is decided by rounding.
fn is_fair(case: &Case) -> bool {
    is_generic(case) && is_well_conditioned(case)
}

/// Whether the reference itself stays within the bounds when all parameters are off by as much as is expected of the
/// result.
fn is_well_conditioned(case: &Case) -> bool {
    let disturbed = |graph: &Graph, options| {
        let bounds = Bounds::new(case, graph, Precision::Float32, Algorithm::Winograd);
        Ok(Disturbed {
            inner: ReferenceEngine::new(graph, options)?,
            // The bound is four times what is expected.
            by: bounds.smooth / 4.0,
            off: Vec::new(),
        })
    };
    let report = run_case(case, Algorithm::Winograd, ReferenceEngine::new, disturbed).unwrap();
    // It tells of its parameters what it was told, but for rounding.
    let of_rounding = |deviation: &Deviation| deviation.stage == Stage::Consistency;
    report.deviations.iter().all(of_rounding)
}

/// Whether at every step ReLU inputs, pooled maxima and answers stay away from kinks and ties, and gradients do not
/// cancel as a whole.
fn is_generic(case: &Case) -> bool {
    let graph = case.graph().unwrap();
    let mut engine = ReferenceEngine::new(&graph, case.options(&graph)).unwrap();
    let images = case.images(&graph, Split::Train).unwrap();
    engine.load_images(Split::Train, Arc::new(images)).unwrap();
    engine.load_state(0, &case.state(&graph, 0)).unwrap();
    let hyper = case.hyper().unwrap();
    case.batches().iter().enumerate().all(|(step, batch)| {
        let distance = engine.kink_distance(0, batch).unwrap();
        let gradients = engine.gradients(0, batch).unwrap();
        let row = HyperTable::from_fn(1, 1, 1, |_, _, _| hyper.get(step, 0)[0]);
        engine
            .run(std::slice::from_ref(batch), &row.unwrap())
            .unwrap();
        distance.min(smallest_lead(&gradients.logits)) > Kinks::MARGIN
            && norm(&graph, &gradients.parameters) > LEAST_GRADIENT
    })
}

/// The smallest lead of an image's largest logit over the next.
fn smallest_lead(logits: &NamedTensor) -> f64 {
    let lead = |row: &[f64]| {
        let mut row = row.to_vec();
        row.sort_by(f64::total_cmp);
        row[row.len() - 1] - row[row.len() - 2]
    };
    let leads = logits.values.chunks_exact(logits.shape[1]).map(lead);
    leads.fold(f64::INFINITY, f64::min)
}

/// Of the trained parameters' gradients together.
fn norm(graph: &Graph, gradients: &[NamedTensor]) -> f64 {
    let all = graph.parameters().iter().zip(gradients);
    let trained = all.filter(|(parameter, _)| parameter.trainable);
    let values = trained.flat_map(|(_, gradient)| &gradient.values);
    values.map(|value| value * value).sum::<f64>().sqrt()
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn any_network_trains_as_the_reference_does(case in case()) {
        let seeds = (0..SEEDS).map(|n| Case { seed: case.seed + n, ..case.clone() });
        let fair = seeds.into_iter().find(is_fair);
        prop_assume!(fair.is_some());
        let case = fair.unwrap();
        for level in Level::available() {
            for threads in [1, 2] {
                let engine = |graph: &Graph, options| {
                    CpuEngine::at_level(graph, EngineOptions { threads, ..options }, level)
                };
                let report = run_case(&case, Algorithm::Winograd, ReferenceEngine::new, engine).unwrap();
                prop_assert!(report.deviations.is_empty(), "{level}, {threads} threads: {}, {:?}", report, case);
            }
        }
    }
}
