//! Which cases the bounds are for.

use std::sync::Arc;

use nn_engine::conformance::{Algorithm, Bounds, Case, Deviation, Kinks, Stage, run_case};
use nn_engine::{Batches, Engine, HyperTable, NamedTensor, Precision, Products, Split};
use nn_graph::Graph;
use nn_reference::ReferenceEngine;

use super::disturbed::Disturbed;

/// Norm below which gradients are what is left of larger terms that cancel: the bounds are relative to all gradients
/// together, since that of one parameter may cancel.
const LEAST_GRADIENT: f64 = 0.2;

/// Whether the bounds hold for a correct engine: they suppose that operations pass errors on without amplifying them,
/// and that nothing is decided by rounding.
pub(super) fn is_fair(case: &Case, algorithm: Algorithm) -> bool {
    is_generic(case) && is_well_conditioned(case, algorithm)
}

/// Whether the reference itself stays within the bounds when all parameters are off by as much as is expected of the
/// result.
fn is_well_conditioned(case: &Case, algorithm: Algorithm) -> bool {
    let disturbed = |graph: &Graph, options| {
        let bounds = Bounds::new(case, graph, (Precision::Float32, Products::Full), algorithm);
        // The bound is four times what is expected.
        Disturbed::new(graph, options, bounds.smooth / 4.0)
    };
    let report = run_case(case, algorithm, ReferenceEngine::new, disturbed).unwrap();
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
            .run(Batches::shared(std::slice::from_ref(batch)), &row.unwrap())
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
