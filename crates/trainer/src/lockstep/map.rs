//! The state of a run without weight decay that equals a given one.

use std::f64::consts::LN_2;

use nn_engine::{Optimiser, State, Symmetry, statistics_names};
use nn_graph::Graph;
use scale_invariance::SCALED_GROUP;

use crate::plan::TwinStep;

/// How the two runs' states are related between two steps.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scales {
    /// `ln A_t` of the parameters.
    pub ln_scale: f64,
    /// The logarithm of what momentum buffers and first moments are multiplied by: `ln A_t` where weight decay is
    /// coupled; `ln A_{t−1}`, the scale of the gradient that they took in last, where it is not.
    pub ln_buffer_scale: f64,
    /// `κ_{t−1}`, the part of the parameters in the original's momentum buffers; 0 where weight decay is decoupled.
    pub buffer_coefficient: f64,
    /// `ln A_{t−1}`: running statistics are one step behind, since the step that uses them corrects
    /// them first.
    pub ln_statistics_scale: f64,
}

impl Scales {
    /// Before a step, given `ln a_{t−1}` of the step before it (0 before the first).
    pub fn before(step: &TwinStep, previous_ln_shrink: f64) -> Self {
        let [ln_scale, _] = step.ln_scales();
        let coefficient = match step {
            TwinStep::Coupled(step) => Some(step.buffer_coefficient),
            TwinStep::Decoupled(_) => None,
        };
        Self::new([ln_scale - previous_ln_shrink, ln_scale], coefficient)
    }

    /// After a step.
    pub fn after(step: &TwinStep) -> Self {
        let coefficient = match step {
            TwinStep::Coupled(step) => Some(step.buffer_coefficient_after),
            TwinStep::Decoupled(_) => None,
        };
        Self::new(step.ln_scales(), coefficient)
    }

    /// From the scales before the step that was made last and after it, and `κ` where weight decay is coupled.
    fn new([ln_scale_before, ln_scale]: [f64; 2], buffer_coefficient: Option<f64>) -> Self {
        Self {
            ln_scale,
            ln_buffer_scale: match buffer_coefficient {
                Some(_) => ln_scale,
                None => ln_scale_before,
            },
            buffer_coefficient: buffer_coefficient.unwrap_or(0.0),
            ln_statistics_scale: ln_scale_before,
        }
    }

    /// Of a twin that is held at `2^{−total}` of its own scale.
    #[must_use]
    pub fn held(self, total: i64) -> Self {
        let change = total as f64 * LN_2;
        Self {
            ln_scale: self.ln_scale + change,
            ln_buffer_scale: self.ln_buffer_scale + change,
            ln_statistics_scale: self.ln_statistics_scale + change,
            ..self
        }
    }
}

/// The twin's state: `θ̃ = θ/A`, `b̃ = A(b − κθ)` for every scaled parameter, running mean `/A^x`
/// and variance `/A^{2x}` for a normaliser whose input has degree `x`, each `A` the [scale](Scales) of its kind. Of AdamW
/// the first moments as `b`, and the second ones `A²v`.
///
/// Parameters that are not scaled, and tensors that the graph does not name, are copied.
pub fn map_state(graph: &Graph, symmetry: &Symmetry, original: &State, scales: Scales) -> State {
    let (scale, buffer_scale) = (scales.ln_scale.exp(), scales.ln_buffer_scale.exp());
    // Of a momentum buffer or first moment, and of a second moment.
    let maps = [
        (scales.buffer_coefficient, buffer_scale),
        (0.0, buffer_scale * buffer_scale),
    ];
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
        for optimiser in [Optimiser::Sgd, Optimiser::AdamW] {
            let names = optimiser.buffer_names(&parameter.name);
            for (name, (coefficient, scale)) in names.zip(maps) {
                let Some(buffer) = twin.get_mut(&name) else {
                    continue;
                };
                for (b, theta) in buffer.values.iter_mut().zip(&weights.values) {
                    *b = scale * (*b - coefficient * theta);
                }
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
