//! How large the gradients behind a state were, and what errors in them become.

use nn_graph::{Graph, Parameter};

use super::Case;
use super::bounds::norm;
use crate::{NamedTensor, Optimiser, State};

/// Sizes of all gradients behind a replica's state after some steps.
pub(super) struct Sizes {
    optimiser: Optimiser,
    /// Root mean square of each kind of buffer over all parameters, of a second moment's root: the size of the terms in a
    /// gradient that cancels, as a bias before a normalisation has.
    all: Vec<f64>,
    /// By how much an error in each kind of buffer moves a parameter.
    steps: Vec<f64>,
}

/// A buffer, or the roots of a second moment: the size of the gradients in it.
fn gradients(buffer: &NamedTensor, second: bool) -> NamedTensor {
    let mut gradients = buffer.clone();
    if second {
        let values = gradients.values.iter_mut();
        values.for_each(|value| *value = value.sqrt());
    }
    gradients
}

impl Sizes {
    /// After so many steps of a case.
    pub(super) fn new(
        case: &Case,
        graph: &Graph,
        replica: usize,
        steps: usize,
        state: &State,
    ) -> Self {
        let optimiser = case.optimiser;
        let trained = graph.parameters().iter().filter(|p| p.trainable);
        let names: Vec<Vec<String>> = trained
            .map(|parameter| optimiser.buffer_names(&parameter.name).collect())
            .collect();
        let all = (0..optimiser.buffers().len()).map(|kind| {
            let buffers = names.iter().filter_map(|names| state.get(&names[kind]));
            let (sum, count) = buffers.fold((0.0, 0), |(sum, count), buffer| {
                let size = norm(&gradients(buffer, kind == 1));
                (sum + size.powi(2), count + buffer.values.len())
            });
            (sum / count.max(1) as f64).sqrt()
        });
        Self {
            optimiser,
            all: all.collect(),
            steps: step_sizes(case, replica, steps),
        }
    }

    /// What is allowed in each buffer of a parameter if gradients may be wrong by `bound` of their size, and in the
    /// parameter by that.
    pub(super) fn allowed(
        &self,
        parameter: &Parameter,
        state: &State,
        bound: f64,
    ) -> Option<(Vec<(String, f64)>, f64)> {
        let elements = (parameter.elements() as f64).sqrt();
        let (mut buffers, mut moved) = (Vec::new(), 0.0);
        for (kind, name) in self.optimiser.buffer_names(&parameter.name).enumerate() {
            let gradients = gradients(state.get(&name)?, kind == 1);
            let error = bound * norm(&gradients).max(self.all[kind] * elements);
            // (g + δ)² − g² = 2gδ + δ².
            let largest = gradients
                .values
                .iter()
                .fold(0.0, |a, &b| f64::max(a, b.abs()));
            let allowed = if kind == 1 {
                error * (2.0 * largest + error)
            } else {
                error
            };
            buffers.push((name, allowed));
            moved += self.steps[kind] * error;
        }
        Some((buffers, moved))
    }
}

/// An error in a momentum buffer is multiplied by the largest rate so far. An update of Adam's, `η m̂/(√v̂ + ε)`, moves by
/// at most `η/ε` times the errors of `m̂` and, since `|m̂|` exceeds `√v̂` by little in a few steps, of `√v̂`.
fn step_sizes(case: &Case, replica: usize, steps: usize) -> Vec<f64> {
    let Ok(hyper) = case.hyper() else {
        return vec![0.0; case.optimiser.buffers().len()];
    };
    let rows = (0..steps).flat_map(|step| hyper.get(step, replica));
    let largest = |of: fn(&crate::GroupHyper) -> f64| rows.clone().map(of).fold(0.0, f64::max);
    let last = steps.checked_sub(1).map(|step| hyper.get(step, replica)[0]);
    match last.and_then(|last| last.moments) {
        None => vec![largest(|hyper| hyper.learning_rate)],
        Some(moments) => {
            let step = largest(|hyper| {
                let epsilon = hyper.moments.map_or(0.0, |moments| moments.epsilon);
                hyper.learning_rate / epsilon
            });
            let [first, second] = moments.bias_corrections;
            vec![step / first, step / second.sqrt()]
        }
    }
}
