//! Muon, a momentum made orthogonal, with decoupled weight decay.

use super::{MovingAverage, decoupled_update};
use crate::field::{dot, scaled};

/// Parameters and momentum buffer of one matrix trained by Muon (Jordan et al., *Muon: An optimizer for
/// hidden layers in neural networks*, 2024; with decoupled decay: Liu et al., arXiv:2502.16982).
///
/// Without Nesterov's look-ahead, and with no ε in the norm: a zero buffer gives a zero update.
///
/// ```
/// use schedule_core::optimiser::{MovingAverage, MuonState};
///
/// let start = MuonState { columns: 2, parameters: vec![1.0; 4], buffer: vec![0.0; 4] };
/// let gradient = |_: &[f64]| vec![3.0, 0.0, 0.0, -3.0];
/// let next = start.stepped(gradient, 0.5, 0.5, MovingAverage::of_momentum(0.9));
/// // (1 − ηλ)θ − η O, O nearly the orthogonal matrix diag(1, −1).
/// assert!((next.parameters[0] - 0.25).abs() < 0.15 && (next.parameters[3] - 1.25).abs() < 0.15);
/// assert_eq!(next.parameters[1], 0.75);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct MuonState {
    /// Number of columns of both matrices.
    pub columns: usize,
    /// `θ_t`, row by row.
    pub parameters: Vec<f64>,
    /// `b_t`, row by row.
    pub buffer: Vec<f64>,
}

impl MuonState {
    /// The state after `b_{t+1} = γ b_t + g_t`, then `θ_{t+1} = (1 − ηλ) θ_t − η O(b_{t+1})`, with
    /// [`newton_schulz`] for `O`.
    #[must_use]
    pub fn stepped(
        &self,
        gradient: impl FnOnce(&[f64]) -> Vec<f64>,
        learning_rate: f64,
        weight_decay: f64,
        momentum: MovingAverage,
    ) -> Self {
        let buffer = momentum.updated(&self.buffer, &gradient(&self.parameters));
        let direction = newton_schulz(&buffer, self.columns);
        Self {
            columns: self.columns,
            parameters: decoupled_update(&self.parameters, learning_rate, weight_decay, &direction),
            buffer,
        }
    }

    /// The state of the equivalent run, `θ/A_t` and `A_{t−1} b`, from `scale = A_t` and
    /// `memory_scale = A_{t−1}`.
    #[must_use]
    pub fn equivalent(&self, scale: f64, memory_scale: f64) -> Self {
        Self {
            columns: self.columns,
            parameters: scaled(&self.parameters, 1.0 / scale),
            buffer: scaled(&self.buffer, memory_scale),
        }
    }
}

/// Muon's approximation of the orthogonal polar factor of a matrix given row by row: five
/// Newton–Schulz steps `X ← aX + bXXᵀX + c(XXᵀ)²X` from `X/‖X‖`, `(a, b, c) = (3.4445, −4.775, 2.0315)`.
///
/// A map of degree 0, which is all that the law needs of it. 0 is mapped to 0.
///
/// ```
/// let orthogonal = schedule_core::optimiser::newton_schulz(&[2.0, 0.0, 0.0, 1.0], 2);
/// assert!((orthogonal[0] - 1.0).abs() < 0.35 && orthogonal[1] == 0.0);
/// ```
#[must_use]
pub fn newton_schulz(matrix: &[f64], columns: usize) -> Vec<f64> {
    let norm = dot(matrix, matrix).sqrt();
    if norm == 0.0 || columns == 0 {
        return vec![0.0; matrix.len()];
    }
    let mut rows: Vec<Vec<f64>> = matrix
        .chunks(columns)
        .map(|row| row.iter().map(|x| x / norm).collect())
        .collect();
    for _ in 0..5 {
        let once = gram_product(&rows, &rows);
        let twice = gram_product(&rows, &once);
        for (row, (once, twice)) in rows.iter_mut().zip(once.iter().zip(&twice)) {
            for (x, (y, z)) in row.iter_mut().zip(once.iter().zip(twice)) {
                *x = 3.4445 * *x - 4.775 * y + 2.0315 * z;
            }
        }
    }
    rows.concat()
}

/// `XXᵀY`.
fn gram_product(x: &[Vec<f64>], y: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let row = |left: &Vec<f64>| {
        let mut sum = vec![0.0; left.len()];
        for (right, values) in x.iter().zip(y) {
            let inner = dot(left, right);
            for (sum, value) in sum.iter_mut().zip(values) {
                *sum += inner * value;
            }
        }
        sum
    };
    x.iter().map(row).collect()
}
