//! Forms of momentum.

use proptest::collection::vec;

use super::exact::STEPS;
use super::pair::{relative, worse};
use super::prime_field::{gradient, hyperparameters};
use super::property::{exact, property};
use super::{OURS, Outcome, Settings, Statement};
use crate::check::Start;
use crate::field::{Field, Gf61, scaled};
use crate::law::form::{FormChange, InsideLaw, MomentumForm, WithoutDampening};
use crate::optimiser::{SgdInsideState, SgdState};
use crate::recurrence::{inside, momentum_inside, undampened};
use crate::strategies::{
    StochasticLoss, convertible_recipe, exact_rayleigh_quotient, gf61, loss, schedule,
};
use crate::{ExactLaw, Hyperparameters};

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "inside/free",
        words: "with the rate inside the momentum buffer, SGD with weight decay and SGD without visit the same directions for 500 steps",
        formula: "a_t = 1 − η_t λ_t − γ'_t (1/a_{t−1} − 1),  γ̃'_t = γ'_t/(a_t a_{t−1})",
        source: OURS,
        tolerance: 1e-9,
        property: |settings, tolerance| inside_law(settings, tolerance, Start::Free),
    },
    Statement {
        id: "inside/stepwise",
        words: "with the rate inside the momentum buffer, every single step of the law is the step of the original, to rounding",
        formula: "θ̃_t = θ_t/A_t,  ṽ_t = (v_t − (1/a_{t−1} − 1) θ_t)/A_{t−1}",
        source: OURS,
        tolerance: 1e-13,
        property: |settings, tolerance| inside_law(settings, tolerance, Start::Resynchronised),
    },
    Statement {
        id: "form/trajectory",
        words: "the rate inside the momentum buffer and outside of it are one trajectory, at the right momentum",
        formula: "γ'_t = γ_t η_t/η_{t−1}",
        source: OURS,
        tolerance: 1e-9,
        property: form_trajectory,
    },
    Statement {
        id: "form/laws-agree",
        words: "the laws of both forms give the same scales, and the change there and back the same momentum",
        formula: "γ'_t = γ_t η_t/η_{t−1},  c_t = η_t κ_t",
        source: OURS,
        tolerance: 1e-12,
        property: laws_agree,
    },
    Statement {
        id: "dampening/trajectory",
        words: "dampening is a smaller rate and, where it changes, another momentum",
        formula: "η'_t = η_t (1 − τ_t),  γ'_t = γ_t (1 − τ_{t−1})/(1 − τ_t)",
        source: OURS,
        tolerance: 1e-9,
        property: dampening_trajectory,
    },
    Statement {
        id: "field/inside",
        words: "the law for the rate inside the momentum buffer is an identity of rational numbers",
        formula: "γ̃'_t = γ'_t/(a_t a_{t−1})  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: field_inside,
    },
    Statement {
        id: "field/form",
        words: "both forms of momentum are one trajectory, as an identity of rational numbers",
        formula: "v_t = η_{t−1} b_t  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: field_form,
    },
    Statement {
        id: "field/dampening",
        words: "a run with dampening is one without, as an identity of rational numbers",
        formula: "b'_t = b_t/(1 − τ_{t−1})  in GF(2⁶¹ − 1)",
        source: OURS,
        tolerance: 0.0,
        property: field_dampening,
    },
];

fn inside_law(settings: &Settings, tolerance: f64, start: Start) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss());
    property(settings, tolerance, cases, |(recipe, loss), tamper| {
        let SgdState { parameters, buffer } = loss.initial_state();
        let mut original = SgdInsideState { parameters, buffer };
        let mut twin = original.clone();
        let mut law = InsideLaw::new();
        let mut largest = 0.0_f64;
        for step in 0..STEPS {
            let with = recipe.at(step);
            let here = law.step(with)?;
            if start == Start::Resynchronised {
                let scales = (here.ln_scale.exp(), here.ln_scale_before.exp());
                twin = original.equivalent(scales.0, scales.1, here.buffer_coefficient);
            }
            let without = Hyperparameters {
                learning_rate: here.learning_rate() * tamper.factor::<f64>(),
                momentum: tamper.mistake(here.momentum, with.momentum),
                ..here.hyperparameters()
            };
            original = original.stepped(|p| loss.gradient(step, p), with);
            twin = twin.stepped(|p| loss.gradient(step, p), without);
            let scales = (here.ln_scale_after.exp(), here.ln_scale.exp());
            let mapped = original.equivalent(scales.0, scales.1, here.buffer_coefficient_after);
            largest = worse(relative(&twin.parameters, &mapped.parameters), largest);
        }
        Ok(largest)
    })
}

fn form_trajectory(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (convertible_recipe(STEPS), loss());
    property(settings, tolerance, cases, |(recipe, loss), tamper| {
        let mut outside = loss.initial_state();
        let mut inside = SgdInsideState {
            parameters: outside.parameters.clone(),
            buffer: scaled(&outside.buffer, recipe.at(0).learning_rate),
        };
        let mut change = FormChange::to(MomentumForm::LrInside);
        let mut largest = 0.0_f64;
        for step in 0..STEPS {
            let with = recipe.at(step);
            let mut changed = change.step(with)?;
            changed.momentum = tamper.mistake(changed.momentum, with.momentum);
            changed.momentum *= tamper.factor::<f64>();
            outside = outside.stepped(|p| loss.gradient(step, p), with);
            inside = inside.stepped(|p| loss.gradient(step, p), changed);
            largest = worse(relative(&inside.parameters, &outside.parameters), largest);
        }
        Ok(largest)
    })
}

fn laws_agree(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = convertible_recipe(STEPS);
    property(settings, tolerance, cases, |recipe, tamper| {
        let mut there = FormChange::to(MomentumForm::LrInside);
        let mut back = FormChange::to(MomentumForm::LrOutside);
        let (mut outside, mut inside) = (ExactLaw::new(), InsideLaw::new());
        let mut largest = 0.0_f64;
        for step in 0..STEPS {
            let with = recipe.at(step);
            let changed = there.step(with)?;
            let again = back.step(changed)?;
            let a = outside.step(with)?;
            let b = inside.step(Hyperparameters {
                learning_rate: changed.learning_rate * tamper.factor::<f64>(),
                momentum: tamper.mistake(changed.momentum, with.momentum),
                ..changed
            })?;
            let held = a.buffer_coefficient_after * with.learning_rate;
            for (a, b, size) in [
                (a.ln_scale_after, b.ln_scale_after, 1.0),
                (a.ln_learning_rate, b.ln_learning_rate, 1.0),
                (held, b.buffer_coefficient_after, 1.0),
                (again.momentum, with.momentum, 1.0),
            ] {
                largest = worse((a - b).abs() / (size + a.abs()), largest);
            }
        }
        Ok(largest)
    })
}

/// A step of SGD with dampening, where `weight` is `1 − τ`: its gradient and decay are weighted by it.
fn dampened<F: Field>(
    state: &SgdState<F>,
    gradient: impl FnOnce(&[F]) -> Vec<F>,
    with: Hyperparameters<F>,
    weight: F,
) -> SgdState<F> {
    let weighted = Hyperparameters {
        weight_decay: with.weight_decay * weight,
        ..with
    };
    state.stepped(|p| scaled(&gradient(p), weight), weighted)
}

fn dampening_trajectory(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (
        convertible_recipe(STEPS),
        schedule(0.0..0.95, STEPS),
        loss(),
    );
    property(
        settings,
        tolerance,
        cases,
        |(recipe, dampening, loss), tamper| {
            let mut with = loss.initial_state();
            let mut without = SgdState {
                parameters: with.parameters.clone(),
                buffer: scaled(&with.buffer, 1.0 / (1.0 - dampening.at(0))),
            };
            let mut change = WithoutDampening::new();
            let mut largest = 0.0_f64;
            for step in 0..STEPS {
                let given = recipe.at(step);
                let mut changed = change.step(given, dampening.at(step))?;
                changed.learning_rate *= tamper.factor::<f64>();
                changed.momentum = tamper.mistake(changed.momentum, given.momentum);
                let weight = 1.0 - dampening.at(step);
                with = dampened(&with, |p| loss.gradient(step, p), given, weight);
                without = without.stepped(|p| loss.gradient(step, p), changed);
                largest = worse(relative(&without.parameters, &with.parameters), largest);
            }
            Ok(largest)
        },
    )
}

fn field_inside(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (hyperparameters(), exact_rayleigh_quotient(), gf61());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, start), tamper| {
            let SgdState { parameters, buffer } = loss.initial_state();
            let mut original = SgdInsideState { parameters, buffer };
            let (mut scale, mut coefficient) = (Gf61::ONE, start);
            let before = scale * (Gf61::ONE + start);
            let mut twin = original.equivalent(scale, before, coefficient);
            for (step, with) in (0..settings.field_steps).zip(recipe.iter().cycle()) {
                let product = with.learning_rate * with.weight_decay;
                let law = inside(product, with.momentum, coefficient);
                let next_scale = law.shrink * scale;
                let without = Hyperparameters {
                    learning_rate: with.learning_rate / (scale * next_scale),
                    weight_decay: Gf61::ZERO,
                    momentum: tamper.mistake(law.momentum, with.momentum) * tamper.factor(),
                };
                original = original.stepped(gradient(&loss, step), *with);
                twin = twin.stepped(gradient(&loss, step), without);
                coefficient = law.buffer_coefficient;
                if twin != original.equivalent(next_scale, scale, coefficient) {
                    return Ok(exact(&false, &true));
                }
                scale = next_scale;
            }
            Ok(0.0)
        },
    )
}

fn field_form(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (hyperparameters(), exact_rayleigh_quotient(), gf61());
    property(
        settings,
        tolerance,
        cases,
        |(recipe, loss, rate_before), tamper| {
            let mut outside = loss.initial_state();
            let mut previous = rate_before;
            let mut inside = SgdInsideState {
                parameters: outside.parameters.clone(),
                buffer: scaled(&outside.buffer, previous),
            };
            for (step, with) in (0..settings.field_steps).zip(recipe.iter().cycle()) {
                let momentum = momentum_inside(with.momentum, previous, with.learning_rate);
                let changed = Hyperparameters {
                    momentum: tamper.mistake(momentum, with.momentum) * tamper.factor(),
                    ..*with
                };
                outside = outside.stepped(gradient(&loss, step), *with);
                inside = inside.stepped(gradient(&loss, step), changed);
                previous = with.learning_rate;
                let mapped = SgdInsideState {
                    parameters: outside.parameters.clone(),
                    buffer: scaled(&outside.buffer, previous),
                };
                if inside != mapped {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}

fn field_dampening(settings: &Settings, tolerance: f64) -> Outcome {
    let weights = vec(gf61(), 1..8);
    let cases = (
        hyperparameters(),
        weights,
        exact_rayleigh_quotient(),
        gf61(),
    );
    property(
        settings,
        tolerance,
        cases,
        |(recipe, weights, loss, mut previous), tamper| {
            let mut with = loss.initial_state();
            let mapped = |state: &SgdState<Gf61>, weight: Gf61| SgdState {
                parameters: state.parameters.clone(),
                buffer: scaled(&state.buffer, Gf61::ONE / weight),
            };
            let mut without = mapped(&with, previous);
            let steps = recipe.iter().cycle().zip(weights.iter().cycle());
            for (step, (given, &weight)) in (0..settings.field_steps).zip(steps) {
                let algebra = undampened(given.learning_rate, given.momentum, previous, weight);
                let changed = Hyperparameters {
                    learning_rate: algebra.learning_rate * tamper.factor(),
                    weight_decay: given.weight_decay,
                    momentum: tamper.mistake(algebra.momentum, given.momentum),
                };
                with = dampened(&with, gradient(&loss, step), *given, weight);
                without = without.stepped(gradient(&loss, step), changed);
                previous = weight;
                if without != mapped(&with, previous) {
                    return Ok(exact(&false, &true));
                }
            }
            Ok(0.0)
        },
    )
}
