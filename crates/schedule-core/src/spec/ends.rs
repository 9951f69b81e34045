//! Where a phase of constant hyperparameters with real roots has an end, and what a drop costs.

use ::proptest::prelude::*;

use super::constant::{constant_recipe, with_product};
use super::pair::worse;
use super::property::property;
use super::{OURS, Outcome, Settings, Statement};
use crate::law::exact::ConstantPhase;
use crate::{ExactAccess, ExactLaw, Hyperparameters, LawError};

pub(super) const STATEMENTS: &[Statement] = &[
    Statement {
        id: "constant/difference-at-drop",
        words: "at a drop of the rate the distance of the exact law from TEXP changes by what is of second order in the weight decay",
        formula: "−2 ln(1−Q) = (2γλ²η_I(η_{I−1} − η_I)/(1−γ)⁴) (1 + O(ηλ/(1−γ)²)),  Q = γη_I(κ*_{I−1} − κ*_I)/(α_I − β_I)",
        source: OURS,
        tolerance: 1e-4,
        property: difference_at_drop,
    },
    Statement {
        id: "constant/real-end",
        words: "with real roots the law ends only where the buffer holds too much of the parameters, and then at the predicted step, for random access as for the stream",
        formula: "Q ≤ 1: never;  Q > 1: a_t ≤ 0 first at t = ⌈ln(1 − 1/Q)/ln(β/α)⌉ − 1,  Q = γη(κ−κ*)/(α−β)",
        source: OURS,
        tolerance: 1e-6,
        property: real_end,
    },
];

fn difference_at_drop(settings: &Settings, tolerance: f64) -> Outcome {
    let cases = (with_product(1e-6..1e-5), 0.05..0.9);
    property(settings, tolerance, cases, |(with, factor), tamper| {
        let dropped = Hyperparameters {
            learning_rate: factor * with.learning_rate,
            ..with
        };
        let before = ConstantPhase::new(with)?.stationary_buffer_coefficient();
        let found = ConstantPhase::new(dropped)?.settled_ln_difference(before);
        let (here, there) = (dropped.learning_rate, with.learning_rate);
        let to_second_order =
            2.0 * with.momentum * with.weight_decay.powi(2) * here * (there - here)
                / (1.0 - with.momentum).powi(4);
        let found = found.unwrap_or(f64::NAN) * tamper.factor::<f64>();
        Ok((found / to_second_order - 1.0).abs())
    })
}

/// With the law ending just before or just after a whole number of steps, or going on for ever.
fn real_end(settings: &Settings, tolerance: f64) -> Outcome {
    let end = (0.0..1.0_f64, prop_oneof![Just(-5e-4), Just(5e-4)]).prop_map(Some);
    let cases = (
        with_product(0.01..0.9),
        prop_oneof![1 => Just(None), 3 => end],
        prop_oneof![-1.0..0.99_f64, Just(1.0 - 1e-3)],
    );
    property(
        settings,
        tolerance,
        cases,
        |(with, end, smaller), tamper| {
            let phase = ConstantPhase::new(with)?;
            let ln_ratio = with.momentum.ln() - 2.0 * phase.ln_root();
            // While (β/α)^t is well above a rounding.
            let turns = end.map(|(part, off): (f64, f64)| {
                (1.0 + (part * f64::min(50.0, -8.0 / ln_ratio)).floor()) * (1.0 + off)
            });
            let pull = turns.map_or(smaller, |turns| -1.0 / (turns * ln_ratio).exp_m1());
            let held = with.momentum * with.learning_rate;
            let kappa = phase.stationary_buffer_coefficient() + pull * phase.root_gap() / held;

            let recipe = constant_recipe(with)?;
            // By then all that is transient is gone.
            let many = (-40.0 / ln_ratio).ceil() as usize;
            let mut steps = ExactLaw::from_buffer_coefficient(kappa)?.steps(&recipe);
            let streamed = steps.by_ref().take(many).find_map(Result::err);
            let at_once = ExactAccess::new(&recipe, kappa).err();
            let step = match (turns, streamed, at_once) {
                (None, None, None) => return Ok(0.0),
                (
                    Some(_),
                    Some(LawError::ShrinkNotPositive { step, .. }),
                    Some(LawError::ShrinkNotPositive { step: other, .. }),
                ) if step == other => step as f64,
                _ => return Ok(f64::INFINITY),
            };
            let turns = (-1.0 / pull).ln_1p() / ln_ratio * tamper.factor::<f64>();
            Ok(worse(0.0, worse(turns - (step + 1.0), step - turns)))
        },
    )
}
