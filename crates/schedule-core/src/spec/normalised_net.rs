//! Rescaling of a network whose normalisers have an `ε`, bit for bit.

use ::proptest::collection::vec;
use ::proptest::prelude::*;

use super::property::{exact, property};
use super::rescaling::{exponents, single};
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::field::dot;
use crate::optimiser::SgdState;
use crate::rescaling::{Quantity, Rescaling, RescalingError};
use crate::strategies::convertible_recipe;
use crate::{Hyperparameters, Recipe};

const STEPS: u64 = 200;

pub(super) const STATEMENTS: &[Statement] = &[Statement {
    id: "rescaling/normalised-net",
    words: "a run in float32 of a net with batch normalisation, a trained affine, and batch or group normalisation after it, is the same when it is rescaled by powers of two along the way, bit for bit, although their ε keeps the loss from being scale-invariant: ε and the running statistics are rescaled too",
    formula: "Π^c, c = 2ᵏ:  ε → c^{2x} ε,  mean → c^x mean,  variance → c^{2x} variance,  of an input of degree x = 1, 2",
    source: OURS,
    tolerance: 0.0,
    property: rescaled,
}];

const INPUTS: usize = 3;
const HIDDEN: usize = 2;
const OUTPUTS: usize = 6;
const EXAMPLES: usize = 8;
/// Of the weights before the first normaliser, its affine, and the weights before the second.
const LENGTHS: [usize; 3] = [HIDDEN * INPUTS, HIDDEN, OUTPUTS * HIDDEN];

/// What the second normaliser takes together.
#[derive(Clone, Copy, Debug)]
enum Second {
    /// An output over all examples.
    Batch,
    /// Half of the outputs of an example.
    Groups,
}

/// A running mean and variance.
type Statistics = Vec<(f32, f32)>;

/// Normalises each set of entries.
struct Normaliser {
    sets: Vec<Vec<usize>>,
    epsilon: f32,
}

/// What a normaliser made of its input.
struct Normalised {
    entries: Vec<f32>,
    /// `√(variance + ε)`, set by set.
    deviations: Vec<f32>,
    statistics: Statistics,
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len() as f32
}

impl Normaliser {
    /// Of the columns of a matrix with a row for each example.
    fn of_batch(columns: usize, epsilon: f32) -> Self {
        let column = |j| (0..EXAMPLES).map(|i| i * columns + j).collect();
        Self {
            sets: (0..columns).map(column).collect(),
            epsilon,
        }
    }

    /// Of the halves of its rows.
    fn of_groups(columns: usize, epsilon: f32) -> Self {
        let half = columns / 2;
        let group = |k| (k * half..(k + 1) * half).collect();
        Self {
            sets: (0..2 * EXAMPLES).map(group).collect(),
            epsilon,
        }
    }

    fn forward(&self, input: &[f32]) -> Normalised {
        let mut entries = vec![0.0; input.len()];
        let (mut deviations, mut statistics) = (Vec::new(), Vec::new());
        for set in &self.sets {
            let values: Vec<f32> = set.iter().map(|&i| input[i]).collect();
            let mean = mean(&values);
            let centred: Vec<f32> = values.iter().map(|z| z - mean).collect();
            let variance = dot(&centred, &centred) / values.len() as f32;
            let deviation = (variance + self.epsilon).sqrt();
            for (&i, z) in set.iter().zip(&centred) {
                entries[i] = z / deviation;
            }
            deviations.push(deviation);
            statistics.push((mean, variance));
        }
        Normalised {
            entries,
            deviations,
            statistics,
        }
    }

    /// The gradient by the input, from that by the output.
    fn backward(&self, of: &Normalised, gradient: &[f32]) -> Vec<f32> {
        let mut by_input = vec![0.0; gradient.len()];
        for (set, deviation) in self.sets.iter().zip(&of.deviations) {
            let errors: Vec<f32> = set.iter().map(|&i| gradient[i]).collect();
            let normalised: Vec<f32> = set.iter().map(|&i| of.entries[i]).collect();
            let along = dot(&errors, &normalised) / set.len() as f32;
            let common = mean(&errors);
            for (&i, (error, z)) in set.iter().zip(errors.iter().zip(&normalised)) {
                by_input[i] = (error - common - along * z) / deviation;
            }
        }
        by_input
    }
}

/// Regression on `⟨head, N₂(W₂ (s∘N₁(W₁x)))⟩`. The inputs of `N₁` and `N₂` are of degrees 1 and 2.
#[derive(Clone, Debug)]
struct Net {
    second: Second,
    /// Of each batch the inputs, row by row, and the targets.
    batches: Vec<(Vec<f32>, Vec<f32>)>,
    head: Vec<f32>,
    initial: SgdState<f32>,
}

/// Row `i` of a matrix with so many columns.
fn row(matrix: &[f32], columns: usize, i: usize) -> &[f32] {
    &matrix[i * columns..(i + 1) * columns]
}

/// `X Wᵀ`, of matrices with so many columns.
fn times_transposed(x: &[f32], w: &[f32], columns: usize) -> Vec<f32> {
    let rows = |matrix: &[f32]| matrix.len() / columns;
    (0..rows(x))
        .flat_map(|i| (0..rows(w)).map(move |j| dot(row(x, columns, i), row(w, columns, j))))
        .collect()
}

fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns;
    (0..columns)
        .flat_map(|j| (0..rows).map(move |i| matrix[i * columns + j]))
        .collect()
}

impl Net {
    /// The gradient at a step, and what each normaliser saw of it.
    fn gradient(&self, step: u64, at: &[f32], epsilons: [f32; 2]) -> (Vec<f32>, [Statistics; 2]) {
        let (inputs, targets) = &self.batches[step as usize % self.batches.len()];
        let (first_weights, rest) = at.split_at(LENGTHS[0]);
        let (affine, second_weights) = rest.split_at(LENGTHS[1]);
        let first = Normaliser::of_batch(HIDDEN, epsilons[0]);
        let second = match self.second {
            Second::Batch => Normaliser::of_batch(OUTPUTS, epsilons[1]),
            Second::Groups => Normaliser::of_groups(OUTPUTS, epsilons[1]),
        };
        let times = |a: &[f32], b: &[f32]| -> Vec<f32> {
            let pairs = a.iter().zip(b.iter().cycle());
            pairs.map(|(x, y)| x * y).collect()
        };

        let inner = first.forward(&times_transposed(inputs, first_weights, INPUTS));
        let hidden = times(&inner.entries, affine);
        let outer = second.forward(&times_transposed(&hidden, second_weights, HIDDEN));
        let by_outer: Vec<f32> = targets
            .iter()
            .enumerate()
            .flat_map(|(i, target)| {
                let output = dot(row(&outer.entries, OUTPUTS, i), &self.head);
                let error = (output - target) / EXAMPLES as f32;
                self.head.iter().map(move |weight| error * weight)
            })
            .collect();

        let by_product = transposed(&second.backward(&outer, &by_outer), OUTPUTS);
        let by_second_weights =
            times_transposed(&by_product, &transposed(&hidden, HIDDEN), EXAMPLES);
        let by_hidden = times_transposed(
            &transposed(&by_product, EXAMPLES),
            &transposed(second_weights, HIDDEN),
            OUTPUTS,
        );
        let through_affine = transposed(&times(&by_hidden, &inner.entries), HIDDEN);
        let by_affine = (0..HIDDEN).map(|c| row(&through_affine, EXAMPLES, c).iter().sum());
        let by_first = first.backward(&inner, &times(&by_hidden, affine));
        let by_first_weights = times_transposed(
            &transposed(&by_first, HIDDEN),
            &transposed(inputs, INPUTS),
            EXAMPLES,
        );
        let gradient = by_first_weights
            .into_iter()
            .chain(by_affine)
            .chain(by_second_weights)
            .collect();
        (gradient, [inner.statistics, outer.statistics])
    }
}

fn net() -> impl Strategy<Value = Net> {
    let batch = (
        vec(-1.0..1.0_f32, EXAMPLES * INPUTS),
        vec(-1.0..1.0_f32, EXAMPLES),
    );
    let second = prop_oneof![Just(Second::Batch), Just(Second::Groups)];
    let dimension = LENGTHS.iter().sum::<usize>();
    let initial = (vec(-1.5..1.5_f32, dimension), vec(-0.5..0.5_f32, dimension));
    let cases = (
        second,
        vec(batch, 1..4),
        vec(-1.0..1.0_f32, OUTPUTS),
        initial,
    );
    cases.prop_map(|(second, batches, head, (parameters, buffer))| Net {
        second,
        batches,
        head,
        initial: SgdState { parameters, buffer },
    })
}

/// A run: its state, and its running statistics at each degree.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    state: SgdState<f32>,
    statistics: [Statistics; 2],
}

impl Run {
    fn rescaled(&self, by: &Rescaling<f32>) -> Self {
        let mut degree = 0;
        Self {
            state: by.state(&self.state),
            statistics: self.statistics.clone().map(|statistics| {
                degree += 1;
                let input_degree = degree;
                let both = statistics.into_iter().map(|(mean, variance)| {
                    let of_variance = Quantity::RunningVariance { input_degree };
                    (
                        by.apply(Quantity::RunningMean { input_degree }, mean),
                        by.apply(of_variance, variance),
                    )
                });
                both.collect()
            }),
        }
    }

    /// Takes in the statistics of a batch.
    fn update(&mut self, new: [Statistics; 2]) {
        for (old, new) in self.statistics.iter_mut().zip(new) {
            if old.is_empty() {
                *old = new;
                continue;
            }
            for (old, new) in old.iter_mut().zip(new) {
                old.0 += 0.1 * (new.0 - old.0);
                old.1 += 0.1 * (new.1 - old.1);
            }
        }
    }
}

/// Whether a run that is rescaled by `2ᵏ` every so many steps is the plain run, bit for bit.
fn is_the_plain_run(
    (net, recipe): (&Net, &Recipe),
    exponents: &[i64],
    epsilon: f32,
    tamper: Tamper,
) -> Result<bool, RescalingError<f32>> {
    let mut plain = Run {
        state: net.initial.clone(),
        statistics: [Vec::new(), Vec::new()],
    };
    let mut renormalised = plain.clone();
    let mut total = Rescaling::identity();
    for (step, exponent) in (0..STEPS).zip(exponents.iter().cycle()) {
        // Back and forth, so that everything stays among the normal numbers.
        let rescaling = match step % 14 {
            0 => Rescaling::power_of_two(*exponent / 3)?,
            7 => total.inverse(),
            _ => Rescaling::identity(),
        };
        total = total.then(&rescaling)?;
        renormalised = renormalised.rescaled(&rescaling);
        let epsilons = [1, 2].map(|input_degree| {
            let right = total.apply(Quantity::NormaliserEpsilon { input_degree }, epsilon);
            tamper.mistake(right, epsilon)
        });
        let with = single(recipe, step);
        let rescaled = Hyperparameters {
            learning_rate: total.hyperparameters(&with).learning_rate * tamper.factor::<f32>(),
            ..total.hyperparameters(&with)
        };
        for (run, epsilons, with) in [
            (&mut plain, [epsilon; 2], with),
            (&mut renormalised, epsilons, rescaled),
        ] {
            let (gradient, seen) = net.gradient(step, &run.state.parameters, epsilons);
            run.update(seen);
            run.state = run.state.stepped(|_| gradient, with);
        }
        if renormalised != plain.rescaled(&total) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn rescaled(settings: &Settings, tolerance: f64) -> Outcome {
    let ln_epsilon = -12.0..-2.0_f32;
    let cases = (net(), convertible_recipe(STEPS), exponents(), ln_epsilon);
    property(
        settings,
        tolerance,
        cases,
        |(net, recipe, exponents, ln_epsilon), tamper| {
            let epsilon = ln_epsilon.exp();
            let same = is_the_plain_run((&net, &recipe), &exponents, epsilon, tamper)?;
            Ok(exact(&same, &true))
        },
    )
}
