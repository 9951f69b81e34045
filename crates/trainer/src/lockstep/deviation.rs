//! How far one state is from another.

use std::fmt;

use nn_engine::{Optimiser, State, statistics_names};
use nn_graph::Graph;

/// Relative deviations, each the largest over the tensors of its kind of `‖found − expected‖₂ /
/// ‖expected‖₂`.
///
/// Where nothing is expected (`‖expected‖ = 0`) the deviation is absolute. A comparison with NaN
/// gives infinity.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Deviation {
    /// Of the parameters.
    pub parameters: f64,
    /// Of what the optimiser keeps of gradients: momentum buffers or moments.
    pub buffers: f64,
    /// Of the running means and variances.
    pub statistics: f64,
    /// Of the loss.
    pub loss: f64,
}

impl Deviation {
    /// Compares two states of a graph; the loss deviation is 0.
    pub fn of_states(graph: &Graph, found: &State, expected: &State) -> Self {
        let largest = |names: Vec<String>| {
            let deviations = names
                .iter()
                .map(|name| match (found.get(name), expected.get(name)) {
                    (Some(found), Some(expected)) => relative(&found.values, &expected.values),
                    (None, None) => 0.0,
                    _ => f64::INFINITY,
                });
            deviations.fold(0.0, f64::max)
        };
        let trained = || {
            graph
                .parameters()
                .iter()
                .map(|parameter| parameter.name.clone())
        };
        let norms = graph.batch_norms().into_iter();
        Self {
            parameters: largest(trained().collect()),
            buffers: largest(trained().flat_map(buffer_names).collect()),
            statistics: largest(
                norms
                    .flat_map(|id| statistics_names(&graph.node(id).name))
                    .collect(),
            ),
            loss: 0.0,
        }
    }

    /// The largest of the four.
    pub fn largest(&self) -> f64 {
        self.parameters
            .max(self.buffers)
            .max(self.statistics)
            .max(self.loss)
    }

    /// The larger of each.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            parameters: self.parameters.max(other.parameters),
            buffers: self.buffers.max(other.buffers),
            statistics: self.statistics.max(other.statistics),
            loss: self.loss.max(other.loss),
        }
    }
}

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            parameters,
            buffers,
            statistics,
            loss,
        } = self;
        write!(
            f,
            "parameters {parameters:.1e}, buffers {buffers:.1e}, running statistics {statistics:.1e}, loss {loss:.1e}"
        )
    }
}

/// What there may be of a parameter's gradients, whatever the optimiser.
fn buffer_names(parameter: String) -> Vec<String> {
    let kinds = [Optimiser::Sgd, Optimiser::AdamW].into_iter();
    kinds
        .flat_map(|optimiser| optimiser.buffer_names(&parameter))
        .collect()
}

/// `‖found − expected‖₂ / ‖expected‖₂`.
pub(crate) fn relative(found: &[f64], expected: &[f64]) -> f64 {
    if found.len() != expected.len() {
        return f64::INFINITY;
    }
    let square = |sum: f64, value: f64| sum + value * value;
    let difference = found
        .iter()
        .zip(expected)
        .map(|(a, b)| a - b)
        .fold(0.0, square)
        .sqrt();
    let norm = expected.iter().copied().fold(0.0, square).sqrt();
    let deviation = if norm > 0.0 {
        difference / norm
    } else {
        difference
    };
    if deviation.is_nan() {
        f64::INFINITY
    } else {
        deviation
    }
}
