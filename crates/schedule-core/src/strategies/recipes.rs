//! Random schedules and recipes.

use std::ops::Range;

use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use crate::{Recipe, Schedule};

/// Piecewise constant schedules with values in a range and changes before `horizon` (at least 2).
pub fn piecewise_constant_schedule(
    values: Range<f64>,
    horizon: u64,
) -> impl Strategy<Value = Schedule> + Clone {
    let constant = values.clone().prop_map(Schedule::constant);
    let decay = (values.clone(), 0.1..1.0, changes(horizon)).prop_map({
        let lowest = values.start;
        move |(initial, factor, milestones): (f64, f64, Vec<u64>)| {
            // As strong a decay as keeps the last value in the range.
            let strongest = (lowest / initial).powf(1.0 / milestones.len().max(1) as f64);
            Schedule::step_decay(initial, f64::max(factor, strongest).min(1.0), &milestones)
        }
    });
    let piecewise = changes(horizon).prop_flat_map(move |boundaries| {
        vec(values.clone(), boundaries.len() + 1)
            .prop_map(move |values| Schedule::piecewise(&values, &boundaries))
    });
    valid(prop_oneof![constant, decay, piecewise])
}

/// Schedules of every kind with values in a range and shapes that last about `horizon` steps (at
/// least 2).
pub fn schedule(values: Range<f64>, horizon: u64) -> impl Strategy<Value = Schedule> + Clone {
    let single = single_schedule(values.clone(), horizon);
    let joined = changes(horizon).prop_flat_map(move |starts| {
        vec(single_schedule(values.clone(), horizon), starts.len() + 1).prop_map(move |parts| {
            let starts = std::iter::once(0).chain(starts.iter().copied());
            Schedule::joined(parts.into_iter().zip(starts).collect())
        })
    });
    prop_oneof![3 => single, 1 => valid(joined)]
}

/// Recipes of any schedules that the exact law converts from a zero buffer.
///
/// With the largest values `η`, `λ`, `γ` of the recipe, `λη ≤ (1 − √γ)²/2`, which keeps every `a_t > 0`; and
/// `λη ≤ 0.005`, which keeps trajectories of the losses here well conditioned over hundreds of steps.
pub fn convertible_recipe(horizon: u64) -> impl Strategy<Value = Recipe> {
    bounds().prop_flat_map(move |(rate, decay, momentum)| {
        let schedules = (
            schedule(rate * 0.01..rate, horizon),
            schedule(0.0..decay, horizon),
            schedule(0.0..momentum, horizon),
        );
        valid(schedules.prop_map(|(rate, decay, momentum)| Recipe::new(rate, decay, momentum)))
    })
}

/// Piecewise constant recipes that both the exact law and TEXP convert.
pub fn piecewise_constant_recipe(horizon: u64) -> impl Strategy<Value = Recipe> {
    bounds().prop_flat_map(move |(rate, decay, momentum)| {
        let schedules = (
            piecewise_constant_schedule(rate * 0.01..rate, horizon),
            piecewise_constant_schedule(decay * 0.01..decay, horizon),
            piecewise_constant_schedule(0.0..momentum, horizon),
        );
        valid(schedules.prop_map(|(rate, decay, momentum)| Recipe::new(rate, decay, momentum)))
    })
}

/// Piecewise constant recipes at the edge of what the exact law converts from a zero buffer, for tests of
/// the law alone: trajectories of losses are too ill conditioned here.
///
/// Any value may be 0 in a phase, `γ` is up to 0.9999, and with the largest values `η`, `λ`, `γ` of the
/// recipe `λη` is up to 0.9999 of `(1 − √γ)²`.
pub fn edge_recipe(horizon: u64) -> impl Strategy<Value = Recipe> {
    // 1 − γ and η on scales on which they matter.
    let bounds = (-7.0..0.7, 0.01..1.0_f64, 0.5..0.9999);
    let largest = bounds.prop_map(|(ln_rate, root, part): (f64, f64, f64)| {
        let (rate, momentum) = (ln_rate.exp(), 1.0 - root * root);
        // 1 − √γ without cancellation.
        let limit = (root * root / (1.0 + momentum.sqrt())).powi(2);
        [rate, part * limit / rate, momentum]
    });
    let recipe = (largest, changes(horizon)).prop_flat_map(|(largest, boundaries)| {
        let phases = boundaries.len() + 1;
        let values = largest.map(|largest: f64| {
            let part = prop_oneof![2 => Just(0.0), 3 => Just(1.0), 3 => 0.01..1.0];
            vec(part.prop_map(move |part: f64| part * largest), phases)
        });
        (values, Just(boundaries))
    });
    let built = recipe.prop_map(|(values, boundaries)| {
        let [rates, decays, momenta] =
            values.map(|values| Schedule::piecewise(&values, &boundaries).map_err(|_| ()));
        Recipe::new(rates?, decays?, momenta?).map_err(|_| ())
    });
    built.prop_filter_map("arguments that are refused", Result::ok)
}

/// The largest rate, decay and momentum of a convertible recipe.
fn bounds() -> impl Strategy<Value = (f64, f64, f64)> {
    // The rate and the product on a logarithmic scale, as they matter.
    (-7.0..-1.5, 1e-4..0.97, -6.0..0.0).prop_map(|(ln_rate, momentum, ln_part): (f64, f64, f64)| {
        let limit = (1.0 - momentum.sqrt()).powi(2);
        let product = (0.5 * limit).min(0.005) * ln_part.exp();
        (ln_rate.exp(), product / ln_rate.exp(), momentum)
    })
}

fn single_schedule(values: Range<f64>, horizon: u64) -> impl Strategy<Value = Schedule> + Clone {
    let ends = (values.clone(), values.clone(), 1..=horizon.max(2));
    let cosine = ends
        .clone()
        .prop_map(|(from, to, steps)| Schedule::cosine(from, to, steps));
    let linear = ends
        .clone()
        .prop_map(|(from, to, steps)| Schedule::linear(from, to, steps));
    let polynomial = (ends.clone(), 0.25..4.0)
        .prop_map(|((from, to, steps), power)| Schedule::polynomial(from, to, power, steps));
    // From one value to the other, so that it stays in the range; a decay may start at 0.
    let exponential = ends.prop_map(|(from, to, steps)| {
        let smallest = f64::MIN_POSITIVE;
        Schedule::exponential(
            from,
            f64::max(to, smallest) / f64::max(from, smallest),
            steps,
            steps,
        )
    });
    let tabulated = vec(values.clone(), 1..=20).prop_map(Schedule::tabulated);
    prop_oneof![
        2 => piecewise_constant_schedule(values, horizon),
        3 => valid(prop_oneof![cosine, linear, polynomial, exponential, tabulated])
    ]
}

/// Up to four steps between 1 and `horizon`, in order.
fn changes(horizon: u64) -> impl Strategy<Value = Vec<u64>> + Clone {
    btree_set(1..horizon.max(2), 0..=4).prop_map(|steps| steps.into_iter().collect())
}

/// What was built, leaving out arguments that are refused.
fn valid<T: Clone + std::fmt::Debug, E: Clone + std::fmt::Debug>(
    results: impl Strategy<Value = Result<T, E>> + Clone,
) -> impl Strategy<Value = T> + Clone {
    results.prop_filter_map("arguments that are refused", Result::ok)
}
