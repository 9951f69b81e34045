//! `|Δ ln η̃| ≤ 1e-11 + 1e-14·|ln η̃|` after a million steps, against arithmetic of 128 bits.

use dashu_float::FBig;
use dashu_float::round::mode::HalfEven;
use schedule_core::law::exact::ConstantPhase;
use schedule_core::{ExactAccess, ExactLaw, Hyperparameters, LawError, Recipe, Schedule};

type Exact = FBig<HalfEven>;

const BITS: usize = 128;
const MILLION: u64 = 1_000_000;
/// How often the logarithms, which take long, are compared.
const EVERY: u64 = 250_000;

fn exact(value: f64) -> Exact {
    let exact = Exact::try_from(value).expect("finite");
    exact.with_precision(BITS).value()
}

/// The exact law in products instead of sums of logarithms: `A_t` needs no bound on its exponent here.
struct ExactRecurrence {
    one: Exact,
    coefficient: Exact,
    scale: Exact,
    before: Exact,
}

impl ExactRecurrence {
    fn new() -> Self {
        let one = exact(1.0);
        Self {
            coefficient: exact(0.0),
            scale: one.clone(),
            before: one.clone(),
            one,
        }
    }

    fn step(&mut self, with: Hyperparameters) {
        let decay = exact(with.weight_decay) + exact(with.momentum) * &self.coefficient;
        let shrink = &self.one - exact(with.learning_rate) * &decay;
        self.coefficient = decay / &shrink;
        self.before = std::mem::replace(&mut self.scale, Exact::ZERO);
        self.scale = shrink * &self.before;
    }

    /// `ln η̃` of the last step, that of the rate being `ln η`.
    fn ln_learning_rate(&self, learning_rate: f64) -> Exact {
        exact(learning_rate).ln() - (&self.before * &self.scale).ln()
    }
}

/// `(|Δ ln η̃|, 1e-11 + 1e-14·|ln η̃|)`.
fn error(found: f64, expected: &Exact) -> (f64, f64) {
    let difference = (exact(found) - expected).to_f64().value().abs();
    (difference, 1e-11 + 1e-14 * expected.to_f64().value().abs())
}

/// A random number in `[0, 1)` for a step (SplitMix64).
fn random(seed: u64, step: u64) -> f64 {
    let mut z = (seed << 40).wrapping_add(step.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The law as it would be written down: a plain logarithm, a plain sum.
#[derive(Default)]
struct Naive {
    coefficient: f64,
    ln_scale: f64,
}

impl Naive {
    fn step(&mut self, with: Hyperparameters) -> f64 {
        let decay = with.weight_decay + with.momentum * self.coefficient;
        let shrink = 1.0 - with.learning_rate * decay;
        self.coefficient = decay / shrink;
        let before = self.ln_scale;
        self.ln_scale += shrink.ln();
        with.learning_rate.ln() - before - self.ln_scale
    }
}

/// Runs a schedule for a million steps; the largest errors in units of what is allowed, of the law and
/// of the naive one.
fn largest_errors(schedule: impl Fn(u64) -> Hyperparameters) -> Result<(f64, f64), LawError> {
    let (mut law, mut naive, mut expected) =
        (ExactLaw::new(), Naive::default(), ExactRecurrence::new());
    let mut largest = (0.0_f64, 0.0_f64);
    for step in 0..MILLION {
        let with = schedule(step);
        let found = law.step(with)?.ln_learning_rate;
        let plain = naive.step(with);
        expected.step(with);
        if (step + 1) % EVERY == 0 || step == 0 {
            let exact = expected.ln_learning_rate(with.learning_rate);
            let (off, allowed) = error(found, &exact);
            largest.0 = largest.0.max(off / allowed);
            let (off, allowed) = error(plain, &exact);
            largest.1 = largest.1.max(off / allowed);
        }
    }
    Ok(largest)
}

fn recipe(rate: Schedule, decay: f64, momentum: f64) -> Recipe {
    let constant = |value| Schedule::constant(value).unwrap();
    Recipe::new(rate, constant(decay), constant(momentum)).unwrap()
}

#[track_caller]
fn assert_accurate(schedule: impl Fn(u64) -> Hyperparameters, naive_misses: bool) {
    let (law, naive) = largest_errors(schedule).unwrap();
    assert!(law <= 1.0, "{law}");
    assert!(
        naive > 1.0 || !naive_misses,
        "the naive law is expected to miss: {naive}"
    );
}

#[test]
fn constant() {
    let recipe = recipe(Schedule::constant(0.1).unwrap(), 5e-4, 0.9);
    assert_accurate(|step| recipe.at(step), true);
}

/// So slow that only its `ln_1p` is accurate enough.
#[test]
fn slow() {
    let recipe = recipe(Schedule::constant(1e-3).unwrap(), 1e-5, 0.9);
    assert_accurate(|step| recipe.at(step), true);
}

/// Where `κ` forgets slowly, and sums up the roundings of `1/(1 − β/α)` steps.
#[test]
fn slowly_forgetting() {
    for (rate, decay, momentum) in [
        (0.1, 1e-6, 0.999),
        (0.1, 2.4e-6, 0.999),
        (0.1, 2.5e-4, 0.99),
        (1.0, 1e-4, 0.98),
    ] {
        let recipe = recipe(Schedule::constant(rate).unwrap(), decay, momentum);
        assert_accurate(|step| recipe.at(step), true);
    }
}

#[test]
fn step_decay() {
    let recipe = recipe(
        Schedule::step_decay(0.1, 0.1, &[400_000, 600_000]).unwrap(),
        5e-4,
        0.9,
    );
    assert_accurate(|step| recipe.at(step), true);
}

#[test]
fn cosine() {
    let recipe = recipe(Schedule::cosine(0.1, 0.0, MILLION).unwrap(), 5e-4, 0.9);
    assert_accurate(|step| recipe.at(step), true);
}

#[test]
fn random_at_every_step() {
    let schedule = |step| Hyperparameters {
        learning_rate: 0.1 * random(1, step),
        weight_decay: 5e-4 * random(2, step),
        momentum: 0.9 * random(3, step),
    };
    assert_accurate(schedule, false);
}

/// Random access, at each step at which the exact arithmetic is asked, also at a double root.
#[test]
fn random_access() {
    let thirds = [400_000, 600_000];
    let standard = recipe(Schedule::step_decay(0.1, 0.1, &thirds).unwrap(), 5e-4, 0.9);
    let double_root = recipe(Schedule::constant(0.25).unwrap(), 1.0, 0.25);
    for recipe in [standard, double_root] {
        let access = ExactAccess::new(&recipe, 0.0).unwrap();
        let mut expected = ExactRecurrence::new();
        for step in 0..MILLION {
            let with = recipe.at(step);
            expected.step(with);
            if (step + 1) % EVERY == 0 || [0, 1, 10, 400_001, 600_100].contains(&step) {
                let exact = expected.ln_learning_rate(with.learning_rate);
                let (off, allowed) = error(access.at(step).ln_learning_rate, &exact);
                assert!(off <= allowed, "step {step}: {off:e} of {allowed:e}");
            }
        }
    }
}

#[test]
fn roots_of_the_standard_recipe() {
    let with = Hyperparameters {
        learning_rate: 0.1,
        weight_decay: 5e-4,
        momentum: 0.9,
    };
    let phase = ConstantPhase::new(with).unwrap();
    let (one, momentum) = (exact(1.0), exact(with.momentum));
    let sum = &one + &momentum - exact(with.learning_rate) * exact(with.weight_decay);
    let gap = (&sum * &sum - exact(4.0) * &momentum).sqrt();
    let root = (&sum + &gap) / exact(2.0);
    assert_eq!(phase.root(), root.to_f64().value());
    for (found, expected) in [
        (phase.root_gap(), gap),
        (phase.one_minus_root(), &one - &root),
        (phase.ln_root(), root.ln()),
        (
            phase.stationary_buffer_coefficient(),
            (&one - &root) / (&root * exact(with.learning_rate)),
        ),
    ] {
        let off = ((exact(found) - &expected) / expected)
            .to_f64()
            .value()
            .abs();
        assert!(off <= 4e-16, "{found} is off by {off:e}");
    }
}
