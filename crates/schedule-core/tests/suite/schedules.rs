//! Properties of schedules and recipes.

use proptest::prelude::*;
use schedule_core::schedule::Phase;
use schedule_core::strategies::{
    convertible_recipe, piecewise_constant_schedule, schedule, seeded,
};
use schedule_core::{Recipe, RecipeError, Schedule};

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn values_stay_in_range_at_every_step(schedule in schedule(0.25..2.0, 300), step: u64) {
        for step in (0..400).chain([step, u64::MAX]) {
            let value = schedule.at(step);
            prop_assert!((0.25 - 1e-12..2.0).contains(&value), "{value} at {step}");
        }
    }

    #[test]
    fn phases_are_the_schedule(schedule in piecewise_constant_schedule(0.25..2.0, 300)) {
        let phases = schedule.phases().unwrap();
        prop_assert_eq!(phases[0].start, 0);
        for pair in phases.windows(2) {
            prop_assert!(pair[0].start < pair[1].start && pair[0].value != pair[1].value);
        }
        for step in (0..400).chain([u64::MAX]) {
            let phase = phases.iter().rev().find(|phase| phase.start <= step).unwrap();
            prop_assert_eq!(schedule.at(step), phase.value);
        }
    }

    #[test]
    fn joined_schedules_count_from_their_start(
        first in schedule(0.0..1.0, 50),
        second in schedule(0.0..1.0, 50),
        third in schedule(0.0..1.0, 50),
        start in 1..100_u64,
        later in 1..100_u64,
    ) {
        let inner = Schedule::joined(vec![(first.clone(), 0), (second.clone(), start)]).unwrap();
        // The inner one may be cut off within its first or its second part.
        let outer = Schedule::joined(vec![(inner.clone(), 0), (third.clone(), later)]).unwrap();
        let nested = Schedule::joined(vec![(third.clone(), 0), (inner, later)]).unwrap();
        for step in (0..250).chain([u64::MAX]) {
            let original =
                |step| if step < start { first.at(step) } else { second.at(step - start) };
            let expected = if step < later { original(step) } else { third.at(step - later) };
            prop_assert_eq!(outer.at(step), expected);
            let expected = if step < later { third.at(step) } else { original(step - later) };
            prop_assert_eq!(nested.at(step), expected);
        }
    }

    #[test]
    fn constructors_are_total(
        a: f64, b: f64, steps: u64, milestones: Vec<u64>, values: Vec<f64>, at: u64,
    ) {
        let made = [
            Schedule::constant(a),
            Schedule::step_decay(a, b, &milestones),
            Schedule::cosine(a, b, steps),
            Schedule::linear(a, b, steps),
            Schedule::piecewise(&values, &milestones),
            Schedule::polynomial(a, b, a, steps),
            Schedule::exponential(a, b, steps, at),
            Schedule::tabulated(values),
            Schedule::warmup_cosine(a, b, a, steps, at),
            Schedule::warmup_stable_decay(a, b, a, steps, at, at.saturating_mul(2)),
            Schedule::one_cycle(a, b, a, steps, at),
        ];
        for schedule in made.into_iter().flatten() {
            prop_assert!(schedule.at(at).is_finite());
            let twice = vec![(schedule.clone(), 0), (schedule, steps)];
            if let Ok(joined) = Schedule::joined(twice) {
                prop_assert!(joined.at(at).is_finite());
            }
        }
    }

    #[test]
    fn recipes_read_their_schedules(recipe in convertible_recipe(300), step: u64) {
        let values = recipe.at(step);
        prop_assert_eq!(values.learning_rate, recipe.learning_rate().at(step));
        prop_assert_eq!(values.weight_decay, recipe.weight_decay().at(step));
        prop_assert_eq!(values.momentum, recipe.momentum().at(step));
        prop_assert!(values.validate(step).is_ok());
    }
}

proptest! {
    #![proptest_config(seeded())]

    /// `Recipe::new` trusts the extremes of a schedule at all steps.
    #[test]
    fn a_recipe_is_refused_iff_a_rate_is_negative(schedule in schedule(-0.1..1.0, 60)) {
        let lowest = (0..200).map(|step| schedule.at(step)).fold(f64::INFINITY, f64::min);
        let [decay, momentum] = [0.0, 0.5].map(|value| Schedule::constant(value).unwrap());
        match Recipe::new(schedule.clone(), decay, momentum) {
            Ok(_) => prop_assert!(lowest >= 0.0, "{lowest}"),
            Err(RecipeError::NegativeOrNotFinite { step, value, .. }) => {
                prop_assert!(value < 0.0 && schedule.at(step) == value);
                prop_assert_eq!(value, lowest);
            }
            Err(other) => prop_assert!(false, "{other}"),
        }
    }

    #[test]
    fn polynomials_of_power_one_are_lines(from in -1.0..1.0, to in -1.0..1.0, steps in 1..500_u64) {
        let polynomial = Schedule::polynomial(from, to, 1.0, steps).unwrap();
        let line = Schedule::linear(from, to, steps).unwrap();
        for step in 0..600 {
            prop_assert!((polynomial.at(step) - line.at(step)).abs() < 4e-16);
        }
    }

    #[test]
    fn exponentials_grow_by_the_same_factor(
        initial in 1e-3..1.0, growth in 0.5..2.0, period in 1..50_u64, step in 0..300_u64,
    ) {
        let schedule = Schedule::exponential(initial, growth, period, 400).unwrap();
        let ratio = schedule.at(step + period) / schedule.at(step);
        prop_assert!((ratio / growth - 1.0).abs() < 1e-14, "{ratio}");
        prop_assert_eq!(schedule.at(400 + step), schedule.at(400));
    }

    #[test]
    fn tables_are_their_values(values in prop::collection::vec(-1.0..1.0, 1..40), step: u64) {
        let schedule = Schedule::tabulated(values.clone()).unwrap();
        let read: Vec<f64> = (0..values.len() as u64).map(|step| schedule.at(step)).collect();
        prop_assert_eq!(&read, &values);
        prop_assert_eq!(schedule.at(step.max(values.len() as u64)), values[values.len() - 1]);
    }
}

/// A rate that falls to 0 is nothing but the weight of what is left, and one that rises from 0 that
/// of what is done: neither may cancel.
#[test]
fn the_ends_of_a_polynomial_keep_their_digits() {
    let steps = 1_000_000_000;
    let falling = Schedule::polynomial(1.0, 0.0, 2.0, steps).unwrap();
    assert!((falling.at(steps - 1) / 1e-18 - 1.0).abs() < 1e-14);
    let rising = Schedule::polynomial(0.0, 1.0, 0.5, steps).unwrap();
    assert!((rising.at(1) / 0.5e-9 - 1.0).abs() < 1e-9);
}

#[test]
fn cosine_is_the_cosine() {
    let schedule = Schedule::cosine(3.0, 1.0, 1_000).unwrap();
    for step in 0..=1_000 {
        let expected = 2.0 + (std::f64::consts::PI * step as f64 / 1_000.0).cos();
        assert!((schedule.at(step) - expected).abs() < 1e-14);
    }
    assert_eq!(
        [schedule.at(0), schedule.at(1_000), schedule.at(u64::MAX)],
        [3.0, 1.0, 1.0]
    );
}

#[test]
fn extreme_values_do_not_overflow() {
    let schedule = Schedule::linear(-f64::MAX, f64::MAX, u64::MAX).unwrap();
    assert!(schedule.at(u64::MAX / 2).abs() < f64::MAX / 1e10);
    assert_eq!(schedule.at(u64::MAX), f64::MAX);
}

#[test]
fn a_deeply_nested_schedule_is_flat() {
    let mut schedule = Schedule::constant(0.0).unwrap();
    for depth in 0..10_000 {
        let value = Schedule::constant(f64::from(depth)).unwrap();
        schedule = Schedule::joined(vec![(schedule, 0), (value, 100)]).unwrap();
    }
    assert_eq!([schedule.at(99), schedule.at(100)], [0.0, 9_999.0]);
}

#[test]
fn phases_of_joined_constants_are_merged() {
    let decay = Schedule::step_decay(1.0, 0.5, &[10, 200]).unwrap();
    let half = Schedule::constant(0.5).unwrap();
    let joined = Schedule::joined(vec![(decay, 0), (half, 50)]).unwrap();
    let expected = vec![
        Phase {
            start: 0,
            value: 1.0,
        },
        Phase {
            start: 10,
            value: 0.5,
        },
    ];
    assert_eq!(joined.phases(), Some(expected));
    let warmup = Schedule::linear(0.0, 1.0, 5).unwrap();
    assert_eq!(
        Schedule::joined(vec![(warmup, 0), (joined, 5)])
            .unwrap()
            .phases(),
        None
    );
}

/// Rounding must not lift a momentum to 1, or a rate above its peak.
#[test]
fn interpolation_stays_between_its_ends() {
    let below_one = 1.0 - f64::EPSILON;
    for ends in [(0.1, 0.1), (0.3, 0.3), (below_one, below_one)] {
        let warmup = Schedule::linear(ends.0, ends.1, 1_000).unwrap();
        let cosine = Schedule::cosine(ends.0, ends.1, 1_000).unwrap();
        for step in 0..1_100 {
            assert_eq!([warmup.at(step), cosine.at(step)], [ends.0; 2]);
        }
    }
}
