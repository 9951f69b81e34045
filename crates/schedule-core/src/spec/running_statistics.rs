//! Running statistics of a normaliser.

use super::pair::{hyperparameters, worse};
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement, prime_field};
use crate::companions::RunningStatisticsCorrection;
use crate::field::{Field, Gf61};
use crate::optimiser::SgdState;
use crate::proptest::{StochasticLoss, convertible_recipe, exact_rayleigh_quotient, gf61, loss};
use crate::recurrence::coupled;
use crate::{ExactLaw, Hyperparameters};

const STEPS: u64 = 200;

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "companions/running-statistics",
        words: "running statistics of an input of degree x, corrected step by step, are the original's at the twin's scale, whatever the statistics start from",
        formula: "mean ← mean a_t^{−x},  variance ← variance a_t^{−2x},  before the next update",
        source: OURS,
        tolerance: 1e-9,
        property: running_statistics,
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
    fn updated(self, state: &SgdState<F>, form: &[F], degree: u32, weight: F) -> Self {
        let terms = || state.parameters.iter().zip(form.iter().cycle());
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

fn running_statistics(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss(), 1..=3_u32, 0.01..1.0);
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, degree, weight), tamper| {
            let mut original = loss.initial_state();
            let mut twin = original.clone();
            let mut of_original = Statistics::START;
            let mut of_twin = of_original;
            let (mut law, mut largest) = (ExactLaw::new(), 0.0);
            for step in 0..STEPS {
                let form = [1.0, 2.0, 3.0].map(|k| (k * step as f64).cos());
                of_original = of_original.updated(&original, &form, degree, weight);
                of_twin = of_twin.updated(&twin, &form, degree, weight);
                let equivalent = law.step(recipe.at(step))?;
                let gradient = |p: &[f64]| loss.gradient(step, p);
                original = original.stepped(gradient, recipe.at(step));
                twin = twin.stepped(gradient, hyperparameters(&equivalent));
                // Due before the next update, and before this state is evaluated.
                let mut correction = equivalent.running_statistics_correction(f64::from(degree));
                correction.variance *= tamper.factor::<f64>();
                correction.apply(&mut of_twin.mean, &mut of_twin.variance);
                let at = equivalent.ln_scale_after;
                let whole = RunningStatisticsCorrection::new(at, f64::from(degree));
                let variance = of_original.variance * whole.variance;
                let mean = (of_twin.mean - of_original.mean * whole.mean).abs();
                largest = worse(largest, mean / variance.sqrt());
                largest = worse(largest, (of_twin.variance / variance - 1.0).abs());
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
                of_original = of_original.updated(&original, &form, degree, weight);
                of_twin = of_twin.updated(&twin, &form, degree, weight);
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
                of_twin.variance =
                    of_twin.variance * power(grown, 2 * degree) * tamper.factor::<Gf61>();
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
