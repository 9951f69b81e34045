//! Where a schedule leaves a float format, and the run that does not.

use proptest::prelude::*;
use schedule_core::proptest::{convertible_recipe, seeded};
use schedule_core::renormalisation::{
    Bounds, Departure, FloatFormat, Magnitudes, Monitored, RangeReport, RenormalisationError,
    Renormaliser, Side, rescaled_learning_rate,
};
use schedule_core::{EquivalentStep, ExactAccess, ExactLaw, LawError, Recipe, Schedule};

const ONE: Bounds = Bounds::just(1.0);

fn recipe(rate: Schedule, decay: f64) -> Recipe {
    let constant = |value| Schedule::constant(value).unwrap();
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
    let magnitudes = |degree| Magnitudes::new(Bounds::just(10.0), ONE, ONE, degree).unwrap();
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
    // Nothing else leaves, and float32 can hold the growth and the updates.
    assert_eq!(report.departures.len(), 4);
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
    let magnitudes = Magnitudes::new(Bounds::just(10.0), ONE, ONE, 2).unwrap();
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
    let magnitudes = Magnitudes::new(ONE, gradients, ONE, 1).unwrap();
    // The growth is 1e-3, 1e-4 and 1e-5 a step, the largest update 1e-2, 1e-3 and 1e-4.
    for (format, growth, updates) in [
        (FloatFormat::Bf16, Some(0), Some(20_000)),
        (FloatFormat::F16, Some(20_000), Some(40_000)),
        (FloatFormat::F32, None, None),
        (FloatFormat::F64, None, None),
    ] {
        let report = RangeReport::of(steps(&recipe, 60_000), format, &magnitudes).unwrap();
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
    let magnitudes = Magnitudes::new(Bounds::just(1e3), ONE, ONE, 1).unwrap();
    let mut renormaliser = Renormaliser::new(FloatFormat::F16, magnitudes);
    let step = steps(&standard(), 1).next().unwrap().unwrap();
    let error = renormaliser.before(&step).unwrap_err();
    assert!(matches!(
        error,
        RenormalisationError::DoesNotFit {
            step: 0,
            what: Monitored::SquaredParameterNorm,
            ..
        }
    ));
    assert!(
        error.to_string().contains("which float16 does not hold"),
        "{error}"
    );
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
        let magnitudes = Magnitudes::new(Bounds { smallest: 0.1, largest: 30.0 }, Bounds { smallest: 1e-2, largest: 3.0 }, ONE, degree)?;
        let mut renormaliser = Renormaliser::new(FloatFormat::F16, magnitudes);
        for step in steps(&recipe, 3_000) {
            let step = step?;
            let due = match renormaliser.before(&step) {
                // The rate itself may be too small for float16.
                Err(RenormalisationError::DoesNotFit { what: Monitored::LearningRate, .. }) => return Ok(()),
                due => due?,
            };
            let ln_scale = step.ln_scale + renormaliser.total() as f64 * std::f64::consts::LN_2;
            if due.is_some() {
                prop_assert!(ln_scale.abs() <= 0.5 * std::f64::consts::LN_2 + 1e-9);
            }
            let rate = renormaliser.learning_rate(&step);
            prop_assert!(rate == 0.0 || (FloatFormat::F16.smallest_normal()..=65_504.0).contains(&rate));
            prop_assert!((30.0 / ln_scale.exp()).powi(2) <= 65_504.0);
            prop_assert!((1.0 / ln_scale.exp()).powi(2 * i32::from(degree)) <= 65_504.0);
        }
    }
}
