//! The state of a run without weight decay that equals a given one.

use nn_engine::{State, Symmetry, momentum_name, statistics_names};
use nn_graph::Graph;
use scale_invariance::SCALED_GROUP;
use schedule_core::EquivalentStep;

/// How the two runs' states are related between two steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// `ln A_t` of the parameters.
    pub ln_scale: f64,
    /// `κ_{t−1}`, the part of the parameters in the original's momentum buffers.
    pub buffer_coefficient: f64,
    /// `ln A_{t−1}`: running statistics are one step behind, since the step that uses them corrects
    /// them first.
    pub ln_statistics_scale: f64,
}

impl Scales {
    /// Before a step, given `ln a_{t−1}` of the step before it (0 before the first).
    pub fn before(step: &EquivalentStep, previous_ln_shrink: f64) -> Self {
        Self {
            ln_scale: step.ln_scale,
            buffer_coefficient: step.buffer_coefficient,
            ln_statistics_scale: step.ln_scale - previous_ln_shrink,
        }
    }

    /// After a step.
    pub fn after(step: &EquivalentStep) -> Self {
        Self {
            ln_scale: step.ln_scale_after,
            buffer_coefficient: step.buffer_coefficient_after,
            ln_statistics_scale: step.ln_scale,
        }
    }
}

/// The twin's state: `θ̃ = θ/A`, `b̃ = A(b − κθ)` for every scaled parameter, running mean `/A^x`
/// and variance `/A^{2x}` for a normaliser whose input has degree `x`.
///
/// Parameters that are not scaled, and tensors that the graph does not name, are copied.
pub fn map_state(graph: &Graph, symmetry: &Symmetry, original: &State, scales: Scales) -> State {
    let scale = scales.ln_scale.exp();
    let mut twin = original.clone();
    for (index, parameter) in graph.parameters().iter().enumerate() {
        if !is_scaled(symmetry, index) {
            continue;
        }
        let Some(weights) = original.get(&parameter.name) else {
            continue;
        };
        if let Some(mapped) = twin.get_mut(&parameter.name) {
            mapped.values.iter_mut().for_each(|value| *value /= scale);
        }
        if let Some(buffer) = twin.get_mut(&momentum_name(&parameter.name)) {
            for (b, theta) in buffer.values.iter_mut().zip(&weights.values) {
                *b = scale * (*b - scales.buffer_coefficient * theta);
            }
        }
    }
    for (index, id) in graph.normalisers().into_iter().enumerate() {
        let degree = symmetry
            .degree
            .get(index)
            .and_then(|row| row.get(SCALED_GROUP));
        let ln_input_scale = f64::from(degree.copied().unwrap_or(0)) * scales.ln_statistics_scale;
        let [mean, variance] = statistics_names(&graph.node(id).name);
        for (name, power) in [(mean, 1.0), (variance, 2.0)] {
            if let Some(statistics) = twin.get_mut(&name) {
                let divisor = (power * ln_input_scale).exp();
                statistics
                    .values
                    .iter_mut()
                    .for_each(|value| *value /= divisor);
            }
        }
    }
    twin
}

/// Whether the conversion scales a parameter.
pub(super) fn is_scaled(symmetry: &Symmetry, parameter: usize) -> bool {
    symmetry.group.get(parameter) == Some(&SCALED_GROUP)
        && symmetry
            .exponent
            .get(parameter)
            .is_some_and(|&exponent| exponent != 0)
}
