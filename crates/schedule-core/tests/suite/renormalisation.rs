//! Where a schedule leaves a float format, and the run that does not.

use std::f64::consts::LN_2;

use crate::common::constant;
use proptest::prelude::*;
use schedule_core::law::decoupled::DecoupledLaw;
use schedule_core::optimiser::SgdState;
use schedule_core::renormalisation::{
    Bounds, Departure, FloatFormat, Formats, Magnitudes, Monitored, RangeReport,
    RenormalisationError, Renormaliser, Side, rescaled_learning_rate,
};
use schedule_core::strategies::{convertible_recipe, seeded};
use schedule_core::{EquivalentStep, ExactAccess, ExactLaw, LawError, Recipe, Schedule};

const ONE: Bounds = Bounds::just(1.0);

fn recipe(rate: Schedule, decay: f64) -> Recipe {
    Recipe::new(rate, constant(decay), constant(0.9)).unwrap()
}

fn standard() -> Recipe {
    recipe(Schedule::constant(0.1).unwrap(), 5e-4)
}

fn steps(recipe: &Recipe, count: usize) -> impl Iterator<Item = Result<EquivalentStep, LawError>> {
    ExactLaw::new().steps(recipe).take(count)
}

fn first(report: &RangeReport, what: Monitored, side: Side) -> Option<u64> {
    let found = |departure: &&Departure| departure.what == what && departure.side == side;
    report
        .departures
        .iter()
        .find(found)
        .map(|departure| departure.step)
}

#[test]
fn the_standard_rate_leaves_float32_at_the_known_step() {
    let magnitudes = |degree| Magnitudes::new(Bounds::just(10.0), ONE, 10.0, ONE, degree).unwrap();
    let report = RangeReport::of(
        steps(&standard(), 200_000),
        FloatFormat::F32,
        &magnitudes(2),
    )
    .unwrap();
    let overflow = |what| first(&report, what, Side::Overflow);
    assert_eq!(overflow(Monitored::LearningRate), Some(90_600));
    assert_eq!(overflow(Monitored::SquaredParameterNorm), Some(83_725));
    assert_eq!(overflow(Monitored::Variance), Some(44_158));
    assert_eq!(
        first(&report, Monitored::GradientNorm, Side::Underflow),
        Some(173_848)
    );
    assert!(
        report
            .departures
            .is_sorted_by_key(|departure| departure.step)
    );
    // Of the buffer 10.05 is the bound: ln(10.05) later, at 1e-3 a step.
    assert_eq!(
        first(&report, Monitored::BufferNorm, Side::Underflow),
        Some(178_441)
    );
    // Nothing else leaves, and float32 can hold the growth and the updates.
    assert_eq!(report.departures.len(), 5);
    assert_eq!(
        (report.growth_rounds_to_one_from, report.updates_lost_from),
        (None, None)
    );
    // From closed form, by random access.
    let access = ExactAccess::new(&standard(), 0.0).unwrap();
    let rate = |step| access.at(step).learning_rate() as f32;
    assert!(rate(90_599).is_finite() && rate(90_600).is_infinite());
    // Degree 1 grows half as fast as degree 2, degree 0 not at all.
    for (degree, step) in [(1, Some(88_308)), (0, None)] {
        let report = RangeReport::of(
            steps(&standard(), 100_000),
            FloatFormat::F32,
            &magnitudes(degree),
        )
        .unwrap();
        assert_eq!(first(&report, Monitored::Variance, Side::Overflow), step);
    }
}

#[test]
fn the_step_decay_of_200_epochs_does_not_overflow() {
    let rate = Schedule::step_decay(0.1, 0.1, &[80 * 391, 120 * 391]).unwrap();
    let magnitudes = Magnitudes::new(Bounds::just(10.0), ONE, 10.0, ONE, 2).unwrap();
    for format in [FloatFormat::F32, FloatFormat::Bf16, FloatFormat::F64] {
        let recipe = recipe(rate.clone(), 5e-4);
        let report = RangeReport::of(steps(&recipe, 200 * 391), format, &magnitudes).unwrap();
        assert_eq!(report.departures, [], "{format}");
    }
}

#[test]
fn growth_and_updates_that_a_format_does_not_resolve() {
    let milestones = [20_000, 40_000];
    let recipe = recipe(Schedule::step_decay(0.1, 0.1, &milestones).unwrap(), 5e-4);
    let gradients = Bounds {
        smallest: 1e-3,
        largest: 0.01,
    };
    let magnitudes = Magnitudes::new(ONE, gradients, 0.1, ONE, 1).unwrap();
    // The growth is 1e-3, 1e-4 and 1e-5 a step, the largest update 1e-2, 1e-3 and 1e-4.
    for (format, growth, updates) in [
        (FloatFormat::Bf16, Some(0), Some(20_000)),
        (FloatFormat::F16, Some(20_000), Some(40_000)),
        (FloatFormat::F32, None, None),
        (FloatFormat::F64, None, None),
    ] {
        let formats = Formats {
            state: format,
            learning_rate: format,
        };
        let report = RangeReport::of(steps(&recipe, 60_000), formats, &magnitudes).unwrap();
        let found = (report.growth_rounds_to_one_from, report.updates_lost_from);
        assert_eq!(found, (growth, updates), "{format}");
    }
}

/// The formats' own arithmetic: what rounds to 1 does.
#[test]
fn half_an_ulp_is_half_an_ulp() {
    let half = f32::EPSILON / 2.0;
    assert_eq!(1.0 + half, 1.0);
    assert!(1.0 + half * 1.01 > 1.0);
    assert_eq!(1.0 - half / 2.0, 1.0);
    assert!(1.0 - half / 2.0 * 1.01 < 1.0);
    for format in FloatFormat::ALL {
        let largest_below = format.largest() / (2.0 - format.epsilon());
        assert_eq!(
            largest_below,
            largest_below.log2().round().exp2(),
            "{format}"
        );
    }
}

#[test]
fn bounds_and_formats_that_do_not_go() {
    let error = Magnitudes::new(
        ONE,
        Bounds {
            smallest: 2.0,
            largest: 1.0,
        },
        1.0,
        ONE,
        1,
    )
    .unwrap_err();
    assert!(matches!(
        error,
        RenormalisationError::Bounds {
            what: Monitored::GradientNorm,
            ..
        }
    ));
    assert!(error.to_string().contains("between 2.0 and 1.0"), "{error}");
    assert!(matches!(
        Magnitudes::new(ONE, ONE, f64::INFINITY, ONE, 1),
        Err(RenormalisationError::Bounds {
            what: Monitored::BufferNorm,
            ..
        })
    ));
    let step = steps(&standard(), 1).next().unwrap().unwrap();
    let error_of = |magnitudes| {
        let mut renormaliser = Renormaliser::new(FloatFormat::F16, magnitudes);
        renormaliser.before(&step).unwrap_err()
    };
    // 1e3 squared needs K ≥ 2, a gradient of 3e4 K ≤ 1.
    let apart = Magnitudes::new(Bounds::just(1e3), Bounds::just(3e4), 3e4, ONE, 1).unwrap();
    let error = error_of(apart);
    assert_eq!(
        error,
        RenormalisationError::NoCommonScale {
            step: 0,
            above: Monitored::SquaredParameterNorm,
            lowest: 2,
            below: Monitored::GradientNorm,
            highest: 1,
            format: FloatFormat::F16,
        }
    );
    assert!(error.to_string().contains("by 2^-2 or less"), "{error}");
    // What no scale changes, and what spans more than the format.
    let fixed = Magnitudes::new(ONE, ONE, 10.0, Bounds::just(1e5), 0).unwrap();
    let wide = Bounds {
        smallest: 1e-3,
        largest: 1e3,
    };
    let wide = Magnitudes::new(wide, ONE, 10.0, ONE, 1).unwrap();
    for (magnitudes, what) in [
        (fixed, Monitored::Variance),
        (wide, Monitored::SquaredParameterNorm),
    ] {
        let error = error_of(magnitudes);
        assert!(error.to_string().contains("normal numbers of float16"));
        assert!(
            matches!(error, RenormalisationError::DoesNotFit { what: found, .. } if found == what)
        );
    }
}

/// The scale of the run with weight decay is not the only one.
#[test]
fn a_scale_that_keeps_everything_is_found() {
    let gradients = Bounds {
        smallest: 1e-5,
        largest: 1e-2,
    };
    let magnitudes = Magnitudes::new(ONE, gradients, 0.1, ONE, 1).unwrap();
    let mut renormaliser = Renormaliser::new(FloatFormat::F16, magnitudes);
    let mut due = Vec::new();
    for step in steps(&standard(), 10_000) {
        let step = step.unwrap();
        due.extend(renormaliser.before(&step).unwrap());
        let scale = step.ln_scale.exp() * (renormaliser.total() as f64).exp2();
        let format = FloatFormat::F16;
        assert!(1e-5 * scale >= format.smallest_normal() && 0.105 * scale <= format.largest());
        assert!(scale.powi(-2) >= format.smallest_normal() && scale.powi(-2) <= format.largest());
    }
    let first = due.first().unwrap();
    assert_eq!((first.step, first.exponent), (0, 3));
    // Then once for each of the 7 times that the scale is halved.
    assert!((7..10).contains(&due.len()), "{}", due.len());
}

#[test]
fn a_rate_that_goes_to_zero_is_no_reason_to_stop() {
    let cosine = recipe(Schedule::cosine(0.1, 0.0, 1_000).unwrap(), 5e-4);
    let magnitudes = Magnitudes::new(ONE, ONE, 10.0, ONE, 1).unwrap();
    let half = Formats {
        state: FloatFormat::F16,
        learning_rate: FloatFormat::F16,
    };
    for formats in [FloatFormat::F16.into(), half] {
        let mut renormaliser = Renormaliser::new(formats, magnitudes);
        for step in steps(&cosine, 1_001) {
            let due = renormaliser.before(&step.unwrap()).unwrap();
            assert!(due.is_none_or(|due| formats == half && due.exponent < 0));
        }
    }
    // The last rates of a long one are too small for float16 at every scale that keeps ‖θ̃‖² in.
    let long = recipe(Schedule::cosine(0.1, 0.0, 100_000).unwrap(), 1e-7);
    let mut renormaliser = Renormaliser::new(half, magnitudes);
    let mut underflows = false;
    for step in steps(&long, 100_000) {
        let step = step.unwrap();
        renormaliser.before(&step).unwrap();
        underflows |= renormaliser.learning_rate(&step) < FloatFormat::F16.smallest_normal();
    }
    assert!(underflows && renormaliser.total() == -7);
    // The report knows both formats.
    let report = |formats| RangeReport::of(steps(&cosine, 1_000), formats, &magnitudes).unwrap();
    assert_eq!(report(FloatFormat::F16.into()).departures, []);
    let rate = first(&report(half), Monitored::LearningRate, Side::Underflow);
    assert!(rate.is_some_and(|step| step > 900));
}

#[test]
fn an_overflow_does_not_hide_an_underflow() {
    let wide = Bounds {
        smallest: 1e-8,
        largest: 1e6,
    };
    let magnitudes = Magnitudes::new(ONE, wide, 1e3, ONE, 1).unwrap();
    let report = RangeReport::of(steps(&standard(), 1), FloatFormat::F16, &magnitudes).unwrap();
    for side in [Side::Overflow, Side::Underflow] {
        assert_eq!(first(&report, Monitored::GradientNorm, side), Some(0));
    }
}

/// `A(‖b‖ + |κ|‖θ‖)`, for gradients that all point the same way; `A‖g‖/(1−γ)` is none.
#[test]
fn the_twin_buffer_stays_within_its_bound() {
    let with = standard().at(0);
    let mut original = SgdState {
        parameters: vec![1.0],
        buffer: vec![0.0],
    };
    let mut twin = original.clone();
    let mut beyond_the_gradients = false;
    for step in steps(&standard(), 300) {
        let step = step.unwrap();
        // The law holds for any gradients that the twin has A times as large.
        original = original.stepped(|_| vec![-1.0], with);
        let gradient = -step.ln_scale.exp();
        twin = twin.stepped(|_| vec![gradient], step.hyperparameters());
        let (parameter, buffer) = (original.parameters[0], original.buffer[0].abs());
        let size = twin.buffer[0].abs() / step.ln_scale_after.exp();
        let bound = buffer + step.buffer_coefficient_after * parameter;
        assert!(size <= bound * (1.0 + 1e-12), "{size} {bound}");
        beyond_the_gradients |= size > 1.0 / (1.0 - with.momentum);
    }
    // Older gradients are larger.
    assert!(beyond_the_gradients);
}

/// They fall as `A²`, while `ε` falls as `A` and the rate of an update of degree 0 grows as `1/A`.
#[test]
fn second_moments_decide_when_a_run_of_adamw_is_rescaled() {
    let squares = Bounds {
        smallest: 1e-18,
        largest: 1.0,
    };
    let sgdw = Magnitudes::new(ONE, ONE, 1.0, ONE, 1).unwrap();
    let adamw = sgdw.with_moments(squares, 1e-8).unwrap();
    let mut renormaliser = Renormaliser::new(FloatFormat::F32, adamw);
    // The law of every update of degree 0.
    let mut law = DecoupledLaw::lion();
    let mut first = None;
    for _ in 0..20_000 {
        let step = law.step(0.1, 0.05).unwrap();
        let due = renormaliser.before(&step).unwrap();
        first = first.or(due.map(|_| step.ln_scale_after));
        let held = step.ln_scale + renormaliser.total() as f64 * LN_2;
        assert!((1e-9 * held.exp()).powi(2) >= FloatFormat::F32.smallest_normal());
        let rate = renormaliser.learning_rate(&step);
        assert!((rate * held.exp() / 0.1 - 1.0).abs() < 0.01, "{rate}");
    }
    assert!(renormaliser.total() > 100);
    // Half of the distance from 1e-18 to the smallest number of float32, and not later.
    let half = (FloatFormat::F32.smallest_normal() / 1e-18).ln() / 2.0;
    assert!((first.unwrap() - half).abs() < 0.01, "{first:?} {half}");

    for (squares, epsilon, wrong) in [
        (Bounds::just(0.0), 1e-8, Monitored::SecondMoment),
        (squares, -1e-8, Monitored::AdamEpsilon),
    ] {
        let error = sgdw.with_moments(squares, epsilon).unwrap_err();
        assert!(matches!(error, RenormalisationError::Bounds { what, .. } if what == wrong));
    }
    // An ε that is too large as it is, one that is too small at any scale that keeps the rest, and none.
    let step = DecoupledLaw::lion().step(0.1, 0.05).unwrap();
    for (epsilon, due) in [(1e39, true), (1e-60, false), (0.0, false)] {
        let magnitudes = sgdw.with_moments(ONE, epsilon).unwrap();
        let mut renormaliser = Renormaliser::new(FloatFormat::F32, magnitudes);
        let found = renormaliser.before(&step).unwrap();
        assert_eq!(found.is_some(), due, "{epsilon}: {found:?}");
    }
}

#[test]
fn a_rate_is_split_before_exp_overflows() {
    // Up to the ends of exp's range it is exp's number, far outside it is as near as ln η̃ itself is known.
    for (ln, total) in [(709.010_772_331_640_2_f64, 3), (-708.3, -3)] {
        let expected = ln.exp() * (-2.0 * f64::from(total)).exp2();
        assert_eq!(rescaled_learning_rate(ln, total.into()), expected);
    }
    for ln in [709.8_f64, -708.5, 5_000.0, 1e6, -1e4] {
        let total = (ln / 2.0 / std::f64::consts::LN_2).round();
        let found = rescaled_learning_rate(ln, total as i64);
        // 2K ln 2 with the low digits of ln 2.
        let rest = (2.0 * total).mul_add(-std::f64::consts::LN_2, ln)
            - 2.0 * total * 2.319_046_813_846_299_6e-17;
        assert!((found / rest.exp() - 1.0).abs() < 1e-15, "{ln}");
    }
    assert_eq!(rescaled_learning_rate(f64::NEG_INFINITY, 5), 0.0);
    assert_eq!(rescaled_learning_rate(1e300, 0), f64::INFINITY);
    assert_eq!(rescaled_learning_rate(-1e300, i64::MAX), 0.0);
}

proptest! {
    #![proptest_config(seeded())]

    #[test]
    fn after_a_renormalisation_everything_is_in_range(recipe in convertible_recipe(2_000), degree in 0..4_u16) {
        let magnitudes = Magnitudes::new(Bounds { smallest: 0.1, largest: 30.0 }, Bounds { smallest: 1e-2, largest: 3.0 }, 30.0, ONE, degree)?;
        let mut renormaliser = Renormaliser::new(FloatFormat::F16, magnitudes);
        for step in steps(&recipe, 3_000) {
            let step = step?;
            let due = renormaliser.before(&step)?;
            let ln_scale = step.ln_scale + renormaliser.total() as f64 * std::f64::consts::LN_2;
            if due.is_some() {
                prop_assert!(ln_scale.abs() <= 0.5 * std::f64::consts::LN_2 + 1e-9);
            }
            let rate = renormaliser.learning_rate(&step);
            prop_assert!(rate == 0.0 || (rate as f32).is_normal());
            prop_assert!((30.0 / ln_scale.exp()).powi(2) <= 65_504.0);
            prop_assert!((1.0 / ln_scale.exp()).powi(2 * i32::from(degree)) <= 65_504.0);
        }
    }
}
