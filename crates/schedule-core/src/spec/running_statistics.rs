//! Running statistics of a normaliser.

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::pair::worse;
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement, Tamper, prime_field};
use crate::companions::RunningStatisticsCorrection;
use crate::field::{Field, Gf61};
use crate::law::exact::ConstantPhase;
use crate::law::form::InsideLaw;
use crate::law::inverse::{InverseLaw, WithoutDecay};
use crate::optimiser::{SgdInsideState, SgdState};
use crate::recurrence::coupled;
use crate::strategies::{
    Loss, StochasticLoss, convertible_recipe, exact_rayleigh_quotient, gf61, loss,
    piecewise_constant_recipe,
};
use crate::{ExactLaw, Hyperparameters, Recipe};

const STEPS: u64 = 200;

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "companions/running-statistics",
        words: "running statistics of an input of degree x, corrected step by step, are the original's at the twin's scale, whatever the statistics start from",
        formula: "mean ← mean a_t^{−x},  variance ← variance a_t^{−2x},  before the next update",
        source: OURS,
        tolerance: 1e-9,
        property: exact_law,
    },
    Statement {
        id: "inside/running-statistics",
        words: "running statistics are corrected by the same powers with the rate inside the momentum buffer",
        formula: "mean ← mean a_t^{−x},  variance ← variance a_t^{−2x},  before the next update",
        source: OURS,
        tolerance: 1e-9,
        property: inside_law,
    },
    Statement {
        id: "inverse/running-statistics",
        words: "from a run without weight decay to that with it, running statistics are corrected the other way",
        formula: "mean ← mean a_t^x,  variance ← variance a_t^{2x},  before the next update",
        source: OURS,
        tolerance: 1e-9,
        property: inverse_law,
    },
    Statement {
        id: "companions/plain-statistics",
        words: "left as they are, the running statistics of a constant exponent are the original's with a shorter memory and too small",
        formula: "variance A_t^{2x} = (w/w') variance' of weight w' = 1 − (1 − w) α^{2x},  the mean with x for 2x",
        source: OURS,
        tolerance: 1e-9,
        property: plain_statistics,
    },
    Statement {
        id: "field/running-statistics",
        words: "the correction of running statistics is an identity of rational numbers, at degrees 0 to 3",
        formula: "mean̄_t A_t^x = mean_t,  var̄_t A_t^{2x} = var_t  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: in_the_field,
    },
];

fn power<F: Field>(base: F, exponent: u32) -> F {
    (0..exponent).fold(F::ONE, |power, _| power * base)
}

/// The running mean and variance of an input.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Statistics<F> {
    mean: F,
    variance: F,
}

impl<F: Field> Statistics<F> {
    /// Those of a normaliser that has seen nothing.
    const START: Self = Self {
        mean: F::ZERO,
        variance: F::ONE,
    };

    /// Updated with the batch of a step, whose inputs are of some degree in the parameters: powers of a
    /// linear form, which differs from step to step.
    fn updated(self, parameters: &[F], form: &[F], degree: u32, weight: F) -> Self {
        let terms = || parameters.iter().zip(form.iter().cycle());
        let sum = terms().fold(F::ZERO, |sum, (&p, &x)| sum + x * p);
        // Not below the square of any entry, so that nothing cancels.
        let square = terms().fold(sum * sum, |sum, (&p, _)| sum + p * p);
        let toward = |old, new| old + weight * (new - old);
        Self {
            mean: toward(self.mean, power(sum, degree)),
            variance: toward(self.variance, power(square, degree)),
        }
    }
}

/// A recipe, a loss and a normaliser's input.
#[derive(Clone, Debug)]
struct Case {
    recipe: Recipe,
    loss: Loss,
    /// Of the input in the parameters.
    degree: u32,
    /// Of a new batch in the statistics.
    weight: f64,
}

fn cases() -> impl Strategy<Value = Case> {
    let cases = (convertible_recipe(STEPS), loss(), 1..=3_u32, 0.01..1.0);
    cases.prop_map(|(recipe, loss, degree, weight)| Case {
        recipe,
        loss,
        degree,
        weight,
    })
}

/// Two runs after a step, the second at another scale than the first.
struct Advanced<S> {
    original: S,
    twin: S,
    /// What the twin's statistics are multiplied by.
    correction: RunningStatisticsCorrection,
    /// `ln A`, the twin's parameters being `θ/A`.
    ln_scale: f64,
}

impl Case {
    fn input_degree(&self) -> f64 {
        f64::from(self.degree)
    }

    /// How far the statistics of a twin, from the same start, get from those of the original at its scale.
    fn largest_deviation<S: Clone>(
        &self,
        start: &S,
        parameters: impl Fn(&S) -> &[f64],
        tamper: Tamper,
        mut advance: impl FnMut(u64, &S, &S) -> Result<Advanced<S>, TestCaseError>,
    ) -> Result<f64, TestCaseError> {
        let (mut original, mut twin) = (start.clone(), start.clone());
        let mut of_original = Statistics::START;
        let mut of_twin = of_original;
        let mut largest = 0.0;
        for step in 0..STEPS {
            let form = [1.0, 2.0, 3.0].map(|k| (k * step as f64).cos());
            let updated = |statistics: Statistics<f64>, parameters| {
                statistics.updated(parameters, &form, self.degree, self.weight)
            };
            of_original = updated(of_original, parameters(&original));
            of_twin = updated(of_twin, parameters(&twin));
            let after = advance(step, &original, &twin)?;
            // Due before the next update, and before this state is evaluated.
            let mut correction = after.correction;
            correction.variance = tamper.mistake(correction.variance, correction.mean);
            correction.variance *= tamper.factor::<f64>();
            correction.apply(&mut of_twin.mean, &mut of_twin.variance);
            let whole = RunningStatisticsCorrection::new(after.ln_scale, self.input_degree());
            let variance = of_original.variance * whole.variance;
            let mean = (of_twin.mean - of_original.mean * whole.mean).abs();
            largest = worse(largest, mean / variance.sqrt());
            largest = worse(largest, (of_twin.variance / variance - 1.0).abs());
            (original, twin) = (after.original, after.twin);
        }
        Ok(largest)
    }
}

fn exact_law(settings: &Settings, tolerance: f64) -> Outcome {
    property(settings, tolerance, cases(), |case, tamper| {
        let mut law = ExactLaw::new();
        let start = case.loss.initial_state();
        case.largest_deviation(
            &start,
            |state| &state.parameters,
            tamper,
            |step, original, twin| {
                let with = case.recipe.at(step);
                let here = law.step(with)?;
                let gradient = |p: &[f64]| case.loss.gradient(step, p);
                Ok(Advanced {
                    original: original.stepped(gradient, with),
                    twin: twin.stepped(gradient, here.hyperparameters()),
                    correction: here.running_statistics_correction(case.input_degree()),
                    ln_scale: here.ln_scale_after,
                })
            },
        )
    })
}

fn inside_law(settings: &Settings, tolerance: f64) -> Outcome {
    property(settings, tolerance, cases(), |case, tamper| {
        let mut law = InsideLaw::new();
        let SgdState { parameters, buffer } = case.loss.initial_state();
        let start = SgdInsideState { parameters, buffer };
        case.largest_deviation(
            &start,
            |state| &state.parameters,
            tamper,
            |step, original, twin| {
                let with = case.recipe.at(step);
                let here = law.step(with)?;
                let gradient = |p: &[f64]| case.loss.gradient(step, p);
                Ok(Advanced {
                    original: original.stepped(gradient, with),
                    twin: twin.stepped(gradient, here.hyperparameters()),
                    correction: here.running_statistics_correction(case.input_degree()),
                    ln_scale: here.ln_scale_after,
                })
            },
        )
    })
}

/// From the run without weight decay of the exact law, back to that with it.
fn inverse_law(settings: &Settings, tolerance: f64) -> Outcome {
    property(settings, tolerance, cases(), |case, tamper| {
        let (mut law, mut inverse) = (ExactLaw::new(), InverseLaw::new());
        let start = case.loss.initial_state();
        case.largest_deviation(
            &start,
            |state| &state.parameters,
            tamper,
            |step, without, with| {
                let there = law.step(case.recipe.at(step))?;
                let given = WithoutDecay {
                    ln_learning_rate: there.ln_learning_rate,
                    momentum: there.momentum,
                };
                let back = inverse.step(given, there.ln_shrink)?;
                let gradient = |p: &[f64]| case.loss.gradient(step, p);
                Ok(Advanced {
                    original: without.stepped(gradient, there.hyperparameters()),
                    twin: with.stepped(gradient, back.hyperparameters()),
                    correction: back.running_statistics_correction(case.input_degree()),
                    // Its parameters are the given run's times A.
                    ln_scale: -back.ln_scale_after,
                })
            },
        )
    })
}

fn plain_statistics(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (piecewise_constant_recipe(2), loss(), 1..=3_i32, 0.01..1.0);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, degree, weight), tamper| {
            let with = recipe.at(0);
            let phase = ConstantPhase::new(with)?;
            let coefficient = phase.stationary_buffer_coefficient();
            let mut law = ExactLaw::from_buffer_coefficient(coefficient)?;
            let mut original = loss.initial_state();
            let mut twin = original.equivalent(1.0, coefficient);
            let shorter = |power: i32| 1.0 - (1.0 - weight) * phase.root().powi(power);
            let weights = (shorter(degree), shorter(tamper.mistake(2 * degree, degree)));
            let nothing = Statistics {
                mean: 0.0,
                variance: 0.0,
            };
            let (mut for_mean, mut for_variance, mut of_twin) = (nothing, nothing, nothing);
            let mut largest = 0.0;
            for step in 0..STEPS {
                let form = [1.0, 2.0, 3.0].map(|k| (k * step as f64).cos());
                let power = degree.unsigned_abs();
                for_mean = for_mean.updated(&original.parameters, &form, power, weights.0);
                for_variance = for_variance.updated(&original.parameters, &form, power, weights.1);
                of_twin = of_twin.updated(&twin.parameters, &form, power, weight);
                let equivalent = law.step(with)?;
                let whole =
                    RunningStatisticsCorrection::new(equivalent.ln_scale, f64::from(degree));
                let variance = for_variance.variance * whole.variance * (weight / weights.1);
                let mean = for_mean.mean * whole.mean * (weight / weights.0);
                let found = of_twin.variance * tamper.factor::<f64>();
                largest = worse(largest, (of_twin.mean - mean).abs() / variance.sqrt());
                largest = worse(largest, (found / variance - 1.0).abs());
                let gradient = |p: &[f64]| loss.gradient(step, p);
                original = original.stepped(gradient, with);
                twin = twin.stepped(gradient, equivalent.hyperparameters());
            }
            Ok(largest)
        },
    )
}

fn in_the_field(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (
        prime_field::hyperparameters(),
        exact_rayleigh_quotient(),
        (0..=3_u32, gf61(), [gf61(), gf61(), gf61()]),
    );
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, (degree, weight, form)), tamper| {
            let mut original = loss.initial_state();
            let mut twin = original.clone();
            let mut of_original = Statistics::<Gf61>::START;
            let mut of_twin = of_original;
            let (mut scale, mut coefficient) = (Gf61::ONE, Gf61::ZERO);
            for (step, with) in (0..settings.field_steps).zip(recipe.iter().cycle()) {
                let form = form.map(|x| x + Gf61::new(step));
                of_original = of_original.updated(&original.parameters, &form, degree, weight);
                of_twin = of_twin.updated(&twin.parameters, &form, degree, weight);
                let law = coupled(
                    with.learning_rate,
                    with.weight_decay,
                    with.momentum,
                    coefficient,
                );
                let without = Hyperparameters {
                    learning_rate: with.learning_rate / (scale * scale * law.shrink),
                    weight_decay: Gf61::ZERO,
                    momentum: with.momentum,
                };
                let gradient = |p: &[Gf61]| loss.gradient(step, p);
                original = original.stepped(gradient, *with);
                twin = twin.stepped(gradient, without);
                (scale, coefficient) = (law.shrink * scale, law.buffer_coefficient);
                let grown = Gf61::ONE / law.shrink;
                of_twin.mean = of_twin.mean * power(grown, degree);
                let twice = tamper.mistake(2 * degree, degree);
                of_twin.variance = of_twin.variance * power(grown, twice) * tamper.factor::<Gf61>();
                let whole = Gf61::ONE / scale;
                let image = Statistics {
                    mean: of_original.mean * power(whole, degree),
                    variance: of_original.variance * power(whole, 2 * degree),
                };
                if of_twin != image {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}
