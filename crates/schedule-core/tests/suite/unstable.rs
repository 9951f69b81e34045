//! Phases that are entered at or near the unstable stationary `κ*_β`, or at a double root with a strong pull: where
//! the closed form of the exact law has to be most careful.

use schedule_core::{ExactAccess, ExactLaw, LawError, Recipe, Schedule};

/// All of these numbers are exact in binary: with `η = 1`, `β = 1/4` is a root of both phases, `α` being `3/4` in
/// the first, `1/2` in the second, and `κ*_β = (1 − β)/β = 3`.
fn two_phases() -> Recipe {
    let piecewise = |values: [f64; 2]| Schedule::piecewise(&values, &[5]).unwrap();
    let rate = Schedule::constant(1.0).unwrap();
    let decay = piecewise([3.0 / 16.0, 3.0 / 8.0]);
    Recipe::new(rate, decay, piecewise([3.0 / 16.0, 1.0 / 8.0])).unwrap()
}

/// From there the law shrinks by `β` for ever, also where `(β/α)ⁿ` is below all floats. With roots that are
/// sixteenths all numbers are exact, but for `κ`, for which it suffices that the recurrence leaves it as it is.
#[test]
fn at_the_unstable_root_it_stays() {
    let mut stay = 0;
    for (alpha, beta) in (1..16).flat_map(|beta| (beta + 1..16).map(move |alpha| (alpha, beta))) {
        let [alpha, beta] = [alpha, beta].map(|root| f64::from(root) / 16.0);
        let (momentum, product) = (alpha * beta, 1.0 + alpha * beta - alpha - beta);
        let [rate, decay, momentum] =
            [1.0, product, momentum].map(|value| Schedule::constant(value).unwrap());
        let recipe = Recipe::new(rate, decay, momentum).unwrap();
        let coefficient = (1.0 - beta) / beta;
        let law = ExactLaw::from_buffer_coefficient(coefficient).unwrap();
        let last = law.steps(&recipe).take(3_000).last().unwrap();
        if last.is_err() || last.unwrap().buffer_coefficient != coefficient {
            continue;
        }
        let access = ExactAccess::new(&recipe, coefficient).unwrap();
        for step in [0, 1, 10, 100, 3_000, 1_000_000] {
            let found = access.at(step);
            let expected = step as f64 * beta.ln();
            let off = (found.ln_scale - expected).abs();
            assert!(
                off <= 1e-14 * expected.abs(),
                "{alpha} {beta} {step}: {off:e}"
            );
            assert!(
                (found.shrink - beta).abs() < 1e-14,
                "{alpha} {beta}: {found:?}"
            );
        }
        stay += 1;
    }
    assert!(stay > 40, "{stay}");
}

/// In both phases: the second is entered where the first stays.
#[test]
fn phases_hand_the_unstable_root_on() {
    let access = ExactAccess::new(&two_phases(), 3.0).unwrap();
    for step in 0..100 {
        let found = access.at(step);
        assert_eq!(
            (found.shrink, found.buffer_coefficient),
            (0.25, 3.0),
            "{found:?}"
        );
    }
}

/// From just below it the law leaves, later the nearer it was: the streaming law says when.
#[test]
fn from_below_the_unstable_root_it_leaves() {
    let recipe = two_phases();
    for distance in [1e-2, 1e-4, 1e-6, 1e-8, 1e-10] {
        let coefficient = 3.0 * (1.0 - distance);
        let access = ExactAccess::new(&recipe, coefficient).unwrap();
        let law = ExactLaw::from_buffer_coefficient(coefficient).unwrap();
        // Three steps multiply what is rounded by up to `(α/β)³ = 27`.
        let tolerance = 100.0 * f64::EPSILON / distance;
        for streamed in law.steps(&recipe).take(200).map(Result::unwrap) {
            let found = access.at(streamed.step);
            let off = (found.ln_scale - streamed.ln_scale).abs();
            assert!(off <= tolerance, "{distance}, {streamed:?}: {off:e}");
            let off = (found.shrink - streamed.shrink).abs();
            assert!(off <= tolerance, "{distance}, {streamed:?}: {off:e}");
        }
    }
}

/// `η = 1`, `α = β = 3/4`, `κ* = 1/3`, `γη(κ − κ*) = 0.6`: the law has one step before it ends, in which the next
/// phase is entered.
#[test]
fn a_strong_pull_at_a_double_root() {
    let piecewise = |values: [f64; 2]| Schedule::piecewise(&values, &[1]).unwrap();
    let (rate, decay) = (piecewise([1.0, 0.01]), piecewise([0.0625, 5e-4]));
    let recipe = Recipe::new(rate, decay, Schedule::constant(0.5625).unwrap()).unwrap();
    let coefficient = 1.0 / 3.0 + 0.6 / 0.5625;
    let access = ExactAccess::new(&recipe, coefficient).unwrap();
    let law = ExactLaw::from_buffer_coefficient(coefficient).unwrap();
    for streamed in law.steps(&recipe).take(200).map(Result::unwrap) {
        let found = access.at(streamed.step);
        let off = (found.ln_scale_after - streamed.ln_scale_after).abs();
        assert!(off < 1e-14, "{streamed:?} {found:?}");
    }
}

/// What the closed form divides by is small enough, or what it divides large enough, for float64 to be left,
/// though the streaming law's next step is not in the way.
#[test]
fn closed_forms_that_leave_float64() {
    let constant = |rate: f64, decay: f64, momentum: f64| {
        let [rate, decay, momentum] =
            [rate, decay, momentum].map(|value| Schedule::constant(value).unwrap());
        Recipe::new(rate, decay, momentum).unwrap()
    };
    let momentum: f64 = 0.9999;
    let above_limit = (1.0 - momentum.sqrt()).powi(2) * (1.0 + 1e-6);
    for (recipe, coefficient) in [
        // Real roots that are 1.1e-16 apart.
        (constant(1.0, 0.0, 1.0 - f64::EPSILON / 2.0), -1e300),
        // Complex roots, the angle ψ and the cross term: 2γηκ is beyond float64, γηκ is not.
        (constant(2.0, 0.25, 0.5), -1.5e308),
        // Complex roots that are 1e-7 apart: the cross term alone.
        (constant(1e-3, above_limit / 1e-3, momentum), -1e306),
    ] {
        let mut law = ExactLaw::from_buffer_coefficient(coefficient).unwrap();
        assert!(law.step(recipe.at(0)).is_ok());
        let error = ExactAccess::new(&recipe, coefficient).unwrap_err();
        assert!(
            matches!(error, LawError::Overflow { step: 0, .. }),
            "{coefficient:e}: {error}"
        );
    }
}
