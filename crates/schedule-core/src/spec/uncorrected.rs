//! Constant exponents and TEXP where the buffer, or the momentum at a drop, is left as it is.

use ::proptest::prelude::*;
use ::proptest::test_runner::TestCaseError;

use super::exact::STEPS;
use super::field_twins::FieldTwins;
use super::pair::{distance, worse};
use super::prime_field::gradient;
use super::property::{exact, property};
use super::tapered::{Rates, field_phases};
use super::{OURS, Outcome, Settings, Statement, Tamper};
use crate::check::{Start, Twins};
use crate::field::{Field, Gf61, norm, scaled};
use crate::law::exact::ConstantPhase;
use crate::law::texp::{ExponentialRate, Texp};
use crate::optimiser::SgdState;
use crate::recurrence::stationary_decay_product;
use crate::strategies::{
    StochasticLoss, exact_rayleigh_quotient, gf61, loss, piecewise_constant_recipe,
};
use crate::{Hyperparameters, Recipe, Schedule};

const EQUAL_BUFFER: &str = "λ_I + γ_I (κ*_I − κ*_{I−1})  at T_I,  κ*_{−1} = 0;  at 0: (1−α)/η = (λ/(1−γ)) (1 + O(ηλ/(1−γ)²))";
const ONE_SIDED: &str = "b̃' − its image, at A_t = 1, ρ = κ*_I/κ*_{I−1} − 1:  γρκ*_{I−1}θ (neither),  γρb (only the twin),  −γρ(b − κ*_{I−1}θ) (only the recipe),  0 (both)";

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "exponential/stepwise",
        words: "every single step at a constant exponent is the step of constant hyperparameters, to rounding, from the stationary buffer; from an equal one the first is not",
        formula: "ln η̃_t = ln(η/α) − 2t ln α,  b̃_0 = b_0 − κ* θ_0",
        source: "Li & Arora, arXiv:1910.07454, theorem on constant hyperparameters",
        tolerance: 1e-13,
        property: from_the_stationary_buffer,
    },
    Statement {
        id: "texp/equal-buffer",
        words: "TEXP from an equal buffer, with nothing corrected, is another recipe than its own: one that decays the weights more in its very first step, by a factor of about 1/(1 − γ), and by another number in the first step after each drop",
        formula: EQUAL_BUFFER,
        source: OURS,
        tolerance: 1e-13,
        property: from_an_equal_buffer,
    },
    Statement {
        id: "texp/one-sided",
        words: "to correct the momentum at a drop in one run only is an error of the whole buffer, to correct none is one of its part along the parameters: worse wherever the buffer is longer than that",
        formula: ONE_SIDED,
        source: OURS,
        tolerance: 1e-13,
        property: one_sided,
    },
    Statement {
        id: "field/texp-equal-buffer",
        words: "what TEXP from an equal buffer is the twin of, as an identity of rational numbers",
        formula: EQUAL_BUFFER,
        source: OURS,
        tolerance: 0.0,
        property: field_equal_buffer,
    },
    Statement {
        id: "field/texp-one-sided",
        words: "the errors of TEXP with the momentum corrected in no run, in one and in both, as identities of rational numbers",
        formula: ONE_SIDED,
        source: OURS,
        tolerance: 0.0,
        property: field_one_sided,
    },
];

fn from_the_stationary_buffer(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (piecewise_constant_recipe(2), loss());
    property(settings, tolerance, cases, |(recipe, loss), tamper| {
        let with = recipe.at(0);
        let phase = ConstantPhase::new(with)?;
        let constant = Schedule::constant;
        let rate = ExponentialRate::new(
            constant(with.learning_rate / phase.root())?,
            phase.ln_growth(),
        )?;
        let texp = Texp::new(&Recipe::new(
            constant(with.learning_rate)?,
            constant(with.weight_decay)?,
            constant(with.momentum)?,
        )?)?;
        let mut twins = Twins::new(loss.initial_state(), Start::Resynchronised);
        let mut largest = 0.0_f64;
        for step in 0..STEPS {
            let mut equivalent = texp.at(step);
            equivalent.ln_learning_rate = rate.ln_learning_rate(step) + tamper.factor::<f64>().ln();
            if step == 0 {
                let coefficient = equivalent.buffer_coefficient;
                equivalent.buffer_coefficient = tamper.mistake(coefficient, 0.0);
            }
            largest = worse(
                twins.step(|p| loss.gradient(step, p), with, &equivalent),
                largest,
            );
        }
        Ok(largest)
    })
}

fn from_an_equal_buffer(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (piecewise_constant_recipe(STEPS), loss());
    property(settings, tolerance, cases, |(recipe, loss), tamper| {
        let texp = Texp::new(&recipe)?;
        let mut twins = Twins::new(loss.initial_state(), Start::Resynchronised);
        let mut largest = 0.0_f64;
        for step in 0..STEPS {
            let mut equivalent = texp.at(step);
            if step == 0 {
                equivalent.buffer_coefficient = 0.0;
            }
            equivalent.ln_learning_rate += tamper.factor::<f64>().ln();
            let mut with = recipe.at(step);
            let (old, new) = (
                equivalent.buffer_coefficient,
                equivalent.buffer_coefficient_after,
            );
            with.weight_decay += tamper.mistake(with.momentum * (new - old), 0.0);
            largest = worse(
                twins.step(|p| loss.gradient(step, p), with, &equivalent),
                largest,
            );
        }
        Ok(largest)
    })
}

fn field_equal_buffer(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (field_phases(Rates::Any), gf61(), exact_rayleigh_quotient());
    property(
        settings,
        tolerance,
        cases,
        |(phases, momentum, loss), tamper| {
            let mut twins = FieldTwins::new(&loss, Gf61::ZERO);
            let steps = phases
                .iter()
                .cycle()
                .flat_map(|phase| std::iter::repeat_n(phase, phase.steps));
            for phase in steps.take(settings.field_steps as usize) {
                let coefficient = phase.held() / phase.learning_rate;
                let moved = momentum * (coefficient - twins.coefficient);
                let with = Hyperparameters {
                    learning_rate: phase.learning_rate,
                    weight_decay: stationary_decay_product(momentum, phase.held())
                        / phase.learning_rate
                        + tamper.mistake(moved, Gf61::ZERO),
                    momentum,
                };
                let scales = twins.scale * phase.root * twins.scale;
                let twin = Hyperparameters {
                    learning_rate: phase.learning_rate / scales * tamper.factor(),
                    weight_decay: Gf61::ZERO,
                    momentum,
                };
                if !twins.step(with, twin, phase.root, coefficient) {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}

/// The first step of a phase: its hyperparameters, `α_I`, `κ*_{I−1}` and `κ*_I`.
#[derive(Clone, Copy, Debug)]
struct Drop<F> {
    with: Hyperparameters<F>,
    root: F,
    old: F,
    new: F,
}

impl<F: Field> Drop<F> {
    /// How far the twin's buffer is from its image after the step from `state`, at `A_t = 1`, with a
    /// momentum for each run; and what the statement says of it, for all four ways to correct.
    fn errors(self, state: &SgdState<F>, gradient: &[F], tamper: Tamper) -> [[Vec<F>; 2]; 4] {
        let Self {
            with,
            root,
            old,
            new,
        } = self;
        let own = with.momentum;
        let corrected = own * new / old;
        let left = |of_recipe, of_twin| {
            let gradient = |_: &[F]| gradient.to_vec();
            let original = Hyperparameters {
                momentum: of_recipe,
                ..with
            };
            let twin = Hyperparameters {
                learning_rate: with.learning_rate / root,
                weight_decay: F::ZERO,
                momentum: of_twin,
            };
            let image = state.stepped(gradient, original).equivalent(root, new);
            let found = state.equivalent(F::ONE, old).stepped(gradient, twin);
            sum(&found.buffer, &image.buffer, -F::ONE)
        };
        let part = own * (new / old - F::ONE) * tamper.factor();
        let along = scaled(&state.parameters, old);
        let whole = &state.buffer;
        [
            [left(own, own), scaled(&along, part)],
            [left(own, corrected), scaled(whole, part)],
            [left(corrected, own), {
                let without = sum(whole, &along, tamper.mistake(-F::ONE, F::ZERO));
                scaled(&without, -part)
            }],
            [left(corrected, corrected), scaled(whole, F::ZERO)],
        ]
    }
}

/// `a + f b`.
fn sum<F: Field>(a: &[F], b: &[F], factor: F) -> Vec<F> {
    a.iter().zip(b).map(|(&x, &y)| x + factor * y).collect()
}

fn one_sided(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (piecewise_constant_recipe(STEPS), loss());
    property(settings, tolerance, cases, |(recipe, loss), tamper| {
        let texp = Texp::new(&recipe)?;
        let mut state = loss.initial_state();
        let (mut largest, mut drops) = (0.0_f64, 0);
        for step in 0..STEPS {
            let with = recipe.at(step);
            let gradient = loss.gradient(step, &state.parameters);
            if let Some(shift) = texp.buffer_shift(step) {
                drops += 1;
                let drop = Drop {
                    with,
                    root: texp.at(step).shrink,
                    old: shift.buffer_coefficient,
                    new: shift.buffer_coefficient_after,
                };
                // In units of the terms that a buffer is a sum of, with either momentum.
                let momentum = with.momentum * (1.0 + drop.new / drop.old);
                let parameters = norm(&state.parameters);
                let terms = momentum * norm(&state.buffer)
                    + norm(&gradient)
                    + (with.weight_decay + momentum * drop.old + drop.new) * parameters;
                for [found, expected] in drop.errors(&state, &gradient, tamper) {
                    largest = worse(distance(&found, &expected, terms), largest);
                }
            }
            state = state.stepped(|_| gradient, with);
        }
        if drops == 0 {
            return Err(TestCaseError::reject("no drop"));
        }
        Ok(largest)
    })
}

fn field_one_sided(settings: &Settings, tolerance: f64) -> Outcome {
    let numbers = [(); 4].map(|()| gf61());
    let cases = (numbers, exact_rayleigh_quotient(), any::<u64>());
    property(
        settings,
        tolerance,
        cases,
        |([learning_rate, momentum, root, old], loss, step), tamper| {
            let held = Gf61::ONE / root - Gf61::ONE;
            let drop = Drop {
                with: Hyperparameters {
                    learning_rate,
                    weight_decay: stationary_decay_product(momentum, held) / learning_rate,
                    momentum,
                },
                root,
                old,
                new: held / learning_rate,
            };
            let state = loss.initial_state();
            let of_loss = gradient(&loss, step)(&state.parameters);
            let errors = drop.errors(&state, &of_loss, tamper);
            Ok(exact(
                &errors.iter().all(|[found, expected]| found == expected),
                &true,
            ))
        },
    )
}
