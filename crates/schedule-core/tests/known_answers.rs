//! Numbers known from elsewhere: the paper, closed forms, arbitrary-precision arithmetic.

use schedule_core::{
    ConstantPhase, EquivalentStep, ExactLaw, Hyperparameters, LawError, Recipe, Schedule, Texp,
};

const STANDARD: Hyperparameters = Hyperparameters {
    learning_rate: 0.1,
    weight_decay: 5e-4,
    momentum: 0.9,
};
const STEPS_PER_EPOCH: u64 = 391;

fn with_rate(rate: Schedule) -> Recipe {
    let constant = |value| Schedule::constant(value).unwrap();
    Recipe::new(
        rate,
        constant(STANDARD.weight_decay),
        constant(STANDARD.momentum),
    )
    .unwrap()
}

/// The paper's recipe: rate 0.1, divided by 10 at epochs 80 and 120.
fn standard_recipe() -> Recipe {
    let milestones = [80 * STEPS_PER_EPOCH, 120 * STEPS_PER_EPOCH];
    with_rate(Schedule::step_decay(0.1, 0.1, &milestones).unwrap())
}

fn last_of(recipe: &Recipe, steps: usize) -> EquivalentStep {
    ExactLaw::new()
        .steps(recipe)
        .take(steps)
        .last()
        .unwrap()
        .unwrap()
}

#[track_caller]
fn assert_near(value: f64, expected: f64, tolerance: f64) {
    let difference = (value - expected).abs();
    assert!(
        difference <= tolerance,
        "{value:?} is {difference:e} from {expected:?}"
    );
}

#[test]
fn root_of_the_standard_recipe() {
    let phase = ConstantPhase::new(STANDARD).unwrap();
    // In 40 digits: 0.99949772836789184806, 1.48123335628711948444.
    assert_eq!(phase.root(), 0.999_497_728_367_891_9);
    assert_near(phase.one_minus_root(), 5.022_716_321_081_519e-4, 1e-19);
    assert_near(
        (STEPS_PER_EPOCH as f64 * phase.ln_growth()).exp(),
        1.481_233_356_287_119_5,
        1e-15,
    );
}

#[test]
fn final_rate_of_the_standard_recipe() {
    let recipe = standard_recipe();
    let last = 200 * STEPS_PER_EPOCH - 1;
    let texp = Texp::new(&recipe).unwrap();
    assert_near(texp.ln_learning_rate(last), 26.399_805, 5e-7);
    assert_near(
        last_of(&recipe, last as usize + 1).ln_learning_rate,
        26.390_698,
        5e-7,
    );
}

#[test]
fn complex_roots_end_at_the_known_step() {
    let recipe = Recipe::new(
        Schedule::constant(0.1).unwrap(),
        Schedule::constant(5e-4).unwrap(),
        Schedule::constant(0.99).unwrap(),
    )
    .unwrap();
    let mut steps = ExactLaw::new().steps(&recipe);
    let error = steps.by_ref().take(1_000).find_map(Result::err).unwrap();
    assert!(
        matches!(error, LawError::ShrinkNotPositive { step: 471, shrink, .. } if shrink <= 0.0)
    );
    assert!(steps.next().is_none(), "the iterator ends after an error");
    assert_eq!(steps.law().next_step(), 471, "the law stays where it was");
}

#[test]
fn without_momentum_the_shrink_is_one_minus_rate_times_decay() {
    let recipe = Recipe::new(
        Schedule::cosine(0.5, 0.0, 100).unwrap(),
        Schedule::linear(0.0, 0.1, 50).unwrap(),
        Schedule::constant(0.0).unwrap(),
    )
    .unwrap();
    for step in ExactLaw::new().steps(&recipe).take(200) {
        let step = step.unwrap();
        let Hyperparameters {
            learning_rate,
            weight_decay,
            ..
        } = recipe.at(step.step);
        assert_near(step.shrink, 1.0 - learning_rate * weight_decay, 1e-16);
    }
}

/// The transient of the exact law, at its start (first order) and at a boundary (second order).
#[test]
fn texp_is_off_by_the_known_amount_at_the_start_and_at_boundaries() {
    let boundary = 5_000;
    let recipe = with_rate(Schedule::step_decay(0.1, 0.1, &[boundary]).unwrap());
    let texp = Texp::new(&recipe).unwrap();
    let phases: Vec<_> = texp.phases().map(|phase| phase.phase).collect();
    let steps: Vec<_> = ExactLaw::new()
        .steps(&recipe)
        .take(10_000)
        .map(Result::unwrap)
        .collect();
    let off = |step: usize| steps[step].ln_learning_rate - texp.ln_learning_rate(step as u64);

    let at_start = phases[0].settled_ln_difference(0.0).unwrap();
    assert_near(at_start, -0.009_1, 5e-5);
    assert_near(off(boundary as usize - 1), at_start, 1e-13);

    let old = phases[0].stationary_buffer_coefficient();
    let at_boundary = phases[1].settled_ln_difference(old).unwrap();
    assert_near(at_boundary, 4e-6, 5e-7);
    assert_near(off(9_999) - at_start, at_boundary, 1e-13);
    // Computed by hand from the formula −2 ln(1−Q).
    let new = phases[1].stationary_buffer_coefficient();
    let q = 0.9 * recipe.at(boundary).learning_rate * (old - new) / phases[1].root_gap();
    assert_near(at_boundary, -2.0 * (1.0 - q).ln(), 1e-15);
}

#[test]
fn texp_follows_the_papers_rule() {
    let recipe = standard_recipe();
    let texp = Texp::new(&recipe).unwrap();
    let phases: Vec<_> = texp.phases().collect();
    let first = &phases[0].phase;
    assert_near(texp.ln_learning_rate(0), (0.1 / first.root()).ln(), 1e-15);
    for pair in phases.windows(2) {
        let (before, after) = (&pair[0].phase, &pair[1].phase);
        let boundary = pair[1].start;
        let jump = texp.ln_learning_rate(boundary) - texp.ln_learning_rate(boundary - 1);
        let ratio = after.hyperparameters().learning_rate / before.hyperparameters().learning_rate;
        assert_near(jump, (ratio / (after.root() * before.root())).ln(), 1e-13);
        let inside = texp.ln_learning_rate(boundary + 1) - texp.ln_learning_rate(boundary);
        assert_near(inside, after.ln_growth(), 1e-13);
    }
}

#[test]
fn a_rate_of_zero_is_a_step_that_does_not_move() {
    let recipe = with_rate(Schedule::piecewise(&[0.1, 0.0, 0.1], &[10, 20]).unwrap());
    let steps: Vec<_> = ExactLaw::new()
        .steps(&recipe)
        .take(30)
        .map(Result::unwrap)
        .collect();
    let texp = Texp::new(&recipe).unwrap();
    for step in &steps[10..20] {
        assert_eq!(step.ln_learning_rate, f64::NEG_INFINITY);
        assert_eq!(step.learning_rate(), 0.0);
        assert_eq!(step.shrink, 1.0);
        assert_eq!(texp.ln_learning_rate(step.step), f64::NEG_INFINITY);
    }
    assert!(steps[20].ln_learning_rate.is_finite());
    assert!(texp.ln_learning_rate(20).is_finite());
}

#[test]
fn the_closed_form_holds_at_its_limits() {
    let phase = |learning_rate, weight_decay, momentum| {
        ConstantPhase::new(Hyperparameters {
            learning_rate,
            weight_decay,
            momentum,
        })
        .unwrap()
    };
    let no_decay = phase(0.1, 0.0, 0.9);
    assert_eq!(
        (no_decay.root(), no_decay.stationary_buffer_coefficient()),
        (1.0, 0.0)
    );
    let no_momentum = phase(0.5, 0.5, 0.0);
    assert_eq!((no_momentum.root(), no_momentum.root_gap()), (0.75, 0.75));
    // λη = (1 − √γ)²: the double root √γ. All numbers are exact in binary.
    let double = phase(0.25, 1.0, 0.25);
    assert_eq!((double.root(), double.root_gap()), (0.5, 0.0));
    assert_eq!(double.settled_ln_difference(0.0), None);
    // A rate of 0 has the limit λ/(1 − γ).
    assert_near(
        phase(0.0, 5e-4, 0.9).stationary_buffer_coefficient(),
        5e-3,
        1e-17,
    );
}
