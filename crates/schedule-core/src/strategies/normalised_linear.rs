//! Linear regression with batch normalisation.

use proptest::collection::vec;
use proptest::prelude::*;

use super::losses::{Batches, StochasticLoss, batches, state};
use crate::field::dot;
use crate::optimiser::SgdState;

/// Batch-normalised linear regression: `L_t = ‖ẑ − y‖²/(2B)`, with `ẑ = (z − mean z)/std z` and `z = Xθ` over
/// the `B` examples of the batch. Not even.
#[derive(Clone, Debug)]
pub struct NormalisedLinear {
    batches: Batches<Vec<(Vec<f64>, f64)>>,
    initial: SgdState,
}

impl NormalisedLinear {
    /// `ẑ`, and the standard deviation of `z`.
    fn normalised(examples: &[(Vec<f64>, f64)], parameters: &[f64]) -> (Vec<f64>, f64) {
        let outputs: Vec<f64> = examples.iter().map(|(x, _)| dot(x, parameters)).collect();
        let mean = mean(&outputs);
        let centred: Vec<f64> = outputs.iter().map(|z| z - mean).collect();
        let deviation = (dot(&centred, &centred) / examples.len() as f64).sqrt();
        (centred.iter().map(|z| z / deviation).collect(), deviation)
    }

    /// `(ẑ − y)/B`.
    fn errors(examples: &[(Vec<f64>, f64)], normalised: &[f64]) -> Vec<f64> {
        let pairs = examples.iter().zip(normalised);
        pairs
            .map(|((_, y), z)| (z - y) / examples.len() as f64)
            .collect()
    }
}

impl StochasticLoss for NormalisedLinear {
    fn value(&self, step: u64, parameters: &[f64]) -> f64 {
        let examples = self.batches.at(step);
        let (normalised, _) = Self::normalised(examples, parameters);
        let errors = Self::errors(examples, &normalised);
        0.5 * dot(&errors, &errors) * examples.len() as f64
    }

    fn gradient(&self, step: u64, parameters: &[f64]) -> Vec<f64> {
        let examples = self.batches.at(step);
        let (normalised, deviation) = Self::normalised(examples, parameters);
        let errors = Self::errors(examples, &normalised);
        let common = mean(&errors);
        let along = dot(&errors, &normalised) / examples.len() as f64;
        let mut gradient = vec![0.0; parameters.len()];
        for ((x, _), (error, z)) in examples.iter().zip(errors.iter().zip(&normalised)) {
            let back = (error - common - along * z) / deviation;
            for (sum, x) in gradient.iter_mut().zip(x) {
                *sum += back * x;
            }
        }
        gradient
    }

    fn initial_state(&self) -> SgdState {
        self.initial.clone()
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Random [`NormalisedLinear`]s in 2 to 4 dimensions, with two examples a dimension.
///
/// Example `i` and example `dimension + i` are about `e_i` and `−e_i`, so that no direction of the
/// parameters has outputs without variance, where the loss is singular.
pub fn normalised_linear() -> impl Strategy<Value = NormalisedLinear> {
    (2..=4_usize).prop_flat_map(|dimension| {
        let noise = vec((vec(-0.25..0.25, dimension), -1.0..1.0), 2 * dimension);
        let batch = noise.prop_map(move |mut examples: Vec<(Vec<f64>, f64)>| {
            for (index, (input, _)) in examples.iter_mut().enumerate() {
                let sign = if index < dimension { 1.0 } else { -1.0 };
                if let Some(entry) = input.get_mut(index % dimension) {
                    *entry += sign;
                }
            }
            examples
        });
        (batches(batch), state(dimension))
            .prop_map(|(batches, initial)| NormalisedLinear { batches, initial })
    })
}
