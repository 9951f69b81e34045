//! Stochastic losses with `L_t(cθ) = L_t(θ)` for `c > 0`, and their gradients.

use proptest::collection::vec;
use proptest::prelude::*;

use super::normalised_linear::{NormalisedLinear, normalised_linear};
use crate::field::{Field, Gf61, dot, norm};
use crate::optimiser::SgdState;

/// A loss that depends on the step through its batch and is scale-invariant for each batch.
pub trait StochasticLoss<F = f64> {
    /// `L_t(θ)`.
    fn value(&self, step: u64, parameters: &[F]) -> F;

    /// `∇L_t(θ)`.
    fn gradient(&self, step: u64, parameters: &[F]) -> Vec<F>;

    /// `θ_0` and `b_0`.
    fn initial_state(&self) -> SgdState<F>;
}

/// Which of a few batches each step uses: a pure function of the seed and the step.
#[derive(Clone, Debug)]
pub struct Batches<T> {
    seed: u64,
    first: T,
    others: Vec<T>,
}

impl<T> Batches<T> {
    /// The batch of a step.
    pub fn at(&self, step: u64) -> &T {
        // SplitMix64: a counter-based generator, so that steps can be asked for in any order.
        let mut z = self
            .seed
            .wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let index = (z ^ (z >> 31)) % (self.others.len() as u64 + 1);
        match index
            .checked_sub(1)
            .and_then(|index| self.others.get(index as usize))
        {
            Some(batch) => batch,
            None => &self.first,
        }
    }
}

pub(super) fn batches<T: Clone + std::fmt::Debug>(
    batch: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Batches<T>> {
    (any::<u64>(), batch.clone(), vec(batch, 1..6)).prop_map(|(seed, first, others)| Batches {
        seed,
        first,
        others,
    })
}

/// The Rayleigh quotient `L_t = θᵀM_tθ/θᵀθ`. Even; and rational, so that training on it can be done
/// in any field.
#[derive(Clone, Debug)]
pub struct RayleighQuotient<F = f64> {
    matrices: Batches<Vec<F>>,
    initial: SgdState<F>,
}

impl<F: Field> StochasticLoss<F> for RayleighQuotient<F> {
    fn value(&self, step: u64, parameters: &[F]) -> F {
        let doubled =
            dot(parameters, &self.product(step, parameters)) / dot(parameters, parameters);
        doubled / (F::ONE + F::ONE)
    }

    fn gradient(&self, step: u64, parameters: &[F]) -> Vec<F> {
        let product = self.product(step, parameters);
        let square = dot(parameters, parameters);
        let doubled = dot(parameters, &product) / square;
        product
            .iter()
            .zip(parameters)
            .map(|(&m, &p)| (m - doubled * p) / square)
            .collect()
    }

    fn initial_state(&self) -> SgdState<F> {
        self.initial.clone()
    }
}

impl<F: Field> RayleighQuotient<F> {
    /// `(M + Mᵀ)θ`.
    fn product(&self, step: u64, parameters: &[F]) -> Vec<F> {
        let n = parameters.len();
        let entries = self.matrices.at(step);
        let entry = |i: usize, j: usize| entries.get(i * n + j).copied().unwrap_or(F::ZERO);
        let row = |i| {
            parameters.iter().enumerate().fold(F::ZERO, |sum, (j, &p)| {
                sum + (entry(i, j) + entry(j, i)) * p
            })
        };
        (0..n).map(row).collect()
    }
}

impl RayleighQuotient {
    /// The same loss, its numbers rounded to float32.
    #[must_use]
    pub fn in_single_precision(&self) -> RayleighQuotient<f32> {
        let single = |vector: &Vec<f64>| -> Vec<f32> { vector.iter().map(|x| *x as f32).collect() };
        RayleighQuotient {
            matrices: Batches {
                seed: self.matrices.seed,
                first: single(&self.matrices.first),
                others: self.matrices.others.iter().map(single).collect(),
            },
            initial: SgdState {
                parameters: single(&self.initial.parameters),
                buffer: single(&self.initial.buffer),
            },
        }
    }
}

/// Logistic regression on the cosine: `L_t = ln(1 + exp(−z))`, `z = ⟨x_t, θ⟩/‖θ‖`. Not even.
#[derive(Clone, Debug)]
pub struct CosineLoss {
    examples: Batches<Vec<f64>>,
    initial: SgdState,
}

impl StochasticLoss for CosineLoss {
    fn value(&self, step: u64, parameters: &[f64]) -> f64 {
        let cosine = dot(self.examples.at(step), parameters) / norm(parameters);
        (-cosine).exp().ln_1p()
    }

    fn gradient(&self, step: u64, parameters: &[f64]) -> Vec<f64> {
        let example = self.examples.at(step);
        let norm = norm(parameters);
        let cosine = dot(example, parameters) / norm;
        let slope = -1.0 / (1.0 + cosine.exp());
        example
            .iter()
            .zip(parameters)
            .map(|(x, p)| slope * (x - cosine * p / norm) / norm)
            .collect()
    }

    fn initial_state(&self) -> SgdState {
        self.initial.clone()
    }
}

/// A two-layer net with weight-normalised layers: `L_t = (f − y_t)²/2`,
/// `f = Σ_j v_j h_j/‖v‖`, `h_j = ln(1 + exp z_j)`, `z_j = ⟨w_j, x_t⟩/‖w_j‖`. Not even;
/// with an odd activation it would be, since the signs of two odd layers cancel.
///
/// The parameters are `v`, then the rows `w_j`.
#[derive(Clone, Debug)]
pub struct TwoLayerNet {
    hidden: usize,
    examples: Batches<(Vec<f64>, f64)>,
    initial: SgdState,
}

impl TwoLayerNet {
    /// `v`, and each `w_j`.
    fn layers<'a>(&self, parameters: &'a [f64]) -> (&'a [f64], impl Iterator<Item = &'a [f64]>) {
        let (output, rows) = parameters.split_at(self.hidden.min(parameters.len()));
        (
            output,
            rows.chunks(rows.len() / self.hidden.max(1) + usize::from(rows.is_empty())),
        )
    }

    /// `z`.
    fn cosines<'a>(rows: impl Iterator<Item = &'a [f64]>, input: &[f64]) -> Vec<f64> {
        rows.map(|row| dot(row, input) / norm(row)).collect()
    }

    /// `h`.
    fn activations(cosines: &[f64]) -> Vec<f64> {
        cosines.iter().map(|z| z.exp().ln_1p()).collect()
    }
}

impl StochasticLoss for TwoLayerNet {
    fn value(&self, step: u64, parameters: &[f64]) -> f64 {
        let (input, target) = self.examples.at(step);
        let (output, rows) = self.layers(parameters);
        let prediction =
            dot(output, &Self::activations(&Self::cosines(rows, input))) / norm(output);
        0.5 * (prediction - target).powi(2)
    }

    fn gradient(&self, step: u64, parameters: &[f64]) -> Vec<f64> {
        let (input, target) = self.examples.at(step);
        let (output, rows) = self.layers(parameters);
        let cosines = Self::cosines(rows, input);
        let activations = Self::activations(&cosines);
        let output_norm = norm(output);
        let prediction = dot(output, &activations) / output_norm;
        let error = prediction - target;
        let mut gradient: Vec<f64> = activations
            .iter()
            .zip(output)
            .map(|(h, v)| error * (h - prediction * v / output_norm) / output_norm)
            .collect();
        let (_, rows) = self.layers(parameters);
        for ((row, z), v) in rows.zip(&cosines).zip(output) {
            let row_norm = norm(row);
            let slope = error * v / output_norm / (1.0 + (-z).exp()) / row_norm;
            gradient.extend(
                row.iter()
                    .zip(input)
                    .map(|(w, x)| slope * (x - z * w / row_norm)),
            );
        }
        gradient
    }

    fn initial_state(&self) -> SgdState {
        self.initial.clone()
    }
}

/// One of the losses.
#[derive(Clone, Debug)]
pub enum Loss {
    /// [`RayleighQuotient`].
    Rayleigh(RayleighQuotient),
    /// [`CosineLoss`].
    Cosine(CosineLoss),
    /// [`TwoLayerNet`].
    TwoLayer(TwoLayerNet),
    /// [`NormalisedLinear`].
    Linear(NormalisedLinear),
}

impl StochasticLoss for Loss {
    fn value(&self, step: u64, parameters: &[f64]) -> f64 {
        match self {
            Self::Rayleigh(loss) => loss.value(step, parameters),
            Self::Cosine(loss) => loss.value(step, parameters),
            Self::TwoLayer(loss) => loss.value(step, parameters),
            Self::Linear(loss) => loss.value(step, parameters),
        }
    }

    fn gradient(&self, step: u64, parameters: &[f64]) -> Vec<f64> {
        match self {
            Self::Rayleigh(loss) => loss.gradient(step, parameters),
            Self::Cosine(loss) => loss.gradient(step, parameters),
            Self::TwoLayer(loss) => loss.gradient(step, parameters),
            Self::Linear(loss) => loss.gradient(step, parameters),
        }
    }

    fn initial_state(&self) -> SgdState {
        match self {
            Self::Rayleigh(loss) => loss.initial_state(),
            Self::Cosine(loss) => loss.initial_state(),
            Self::TwoLayer(loss) => loss.initial_state(),
            Self::Linear(loss) => loss.initial_state(),
        }
    }
}

/// Random [`RayleighQuotient`]s in 2 to 6 dimensions.
pub fn rayleigh_quotient() -> impl Strategy<Value = RayleighQuotient> {
    (2..=6_usize).prop_flat_map(|dimension| {
        (
            batches(vec(-1.0..1.0, dimension * dimension)),
            state(dimension),
        )
            .prop_map(|(matrices, initial)| RayleighQuotient { matrices, initial })
    })
}

/// Random [`RayleighQuotient`]s in 2 to 4 dimensions over GF(2⁶¹ − 1), whose trajectories are exact.
pub fn exact_rayleigh_quotient() -> impl Strategy<Value = RayleighQuotient<Gf61>> {
    (2..=4_usize).prop_flat_map(|dimension| {
        let state = (vec(gf61(), dimension), vec(gf61(), dimension))
            .prop_map(|(parameters, buffer)| SgdState { parameters, buffer });
        (batches(vec(gf61(), dimension * dimension)), state)
            .prop_map(|(matrices, initial)| RayleighQuotient { matrices, initial })
    })
}

/// Random elements of GF(2⁶¹ − 1).
pub fn gf61() -> impl Strategy<Value = Gf61> + Clone {
    any::<u64>().prop_map(Gf61::new)
}

/// Random [`CosineLoss`]es in 2 to 6 dimensions.
pub fn cosine_loss() -> impl Strategy<Value = CosineLoss> {
    (2..=6_usize).prop_flat_map(|dimension| {
        (batches(vec(-1.0..1.0, dimension)), state(dimension))
            .prop_map(|(examples, initial)| CosineLoss { examples, initial })
    })
}

/// Random [`TwoLayerNet`]s with 2 or 3 inputs and 2 or 3 hidden units.
pub fn two_layer_net() -> impl Strategy<Value = TwoLayerNet> {
    (2..=3_usize, 2..=3_usize).prop_flat_map(|(inputs, hidden)| {
        (
            batches((vec(-1.0..1.0, inputs), -1.0..1.0)),
            state(hidden * (1 + inputs)),
        )
            .prop_map(move |(examples, initial)| TwoLayerNet {
                hidden,
                examples,
                initial,
            })
    })
}

/// Any of the losses.
pub fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        rayleigh_quotient().prop_map(Loss::Rayleigh),
        cosine_loss().prop_map(Loss::Cosine),
        two_layer_net().prop_map(Loss::TwoLayer),
        normalised_linear().prop_map(Loss::Linear),
    ]
}

/// Parameters that are nowhere near the origin, where a scale-invariant loss is singular, and a
/// buffer, often zero.
pub(super) fn state(dimension: usize) -> impl Strategy<Value = SgdState> {
    let coordinate =
        (0.5..1.5, any::<bool>()).prop_map(|(x, minus): (f64, _)| if minus { -x } else { x });
    let buffer = prop_oneof![Just(vec![0.0; dimension]), vec(-0.5..0.5, dimension)];
    (vec(coordinate, dimension), buffer)
        .prop_map(|(parameters, buffer)| SgdState { parameters, buffer })
}
