//! Any numbers into every law: none panics, and what comes out is a number where it says so.

use schedule_core::companions::{EqualAverage, ExponentialAverage, NormClipping, ValueClipping};
use schedule_core::equilibrium::Equilibrium;
use schedule_core::law::decoupled::{AdamWLaw, DecoupledLaw};
use schedule_core::law::exact::ConstantPhase;
use schedule_core::law::form::{FormChange, InsideLaw, MomentumForm, WithoutDampening};
use schedule_core::law::groups::{GroupRole, GroupsLaw};
use schedule_core::law::inverse::{ConstantGrowth, InverseLaw, WithoutDecay};
use schedule_core::law::nesterov::{NesterovForm, NesterovLaw};
use schedule_core::law::texp::{ExponentialRate, Texp};
use schedule_core::optimiser::{AdamWHyperparameters, NesterovHyperparameters};
use schedule_core::renormalisation::{
    Bounds, FloatFormat, Magnitudes, RangeReport, Renormaliser, rescaled_learning_rate,
};
use schedule_core::rescaling::Rescaling;
use schedule_core::{
    EquivalentStep, ExactAccess, ExactLaw, Hyperparameters, Recipe, Schedule, ScheduleError,
};

/// Steps that are looked at.
const STEPS: u64 = 40;

/// Numbers from bytes; zeros when they are used up.
struct Source<'a>(&'a [u8]);

impl Source<'_> {
    fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        first
    }

    fn bits(&mut self) -> u64 {
        (0..8).fold(0, |bits, _| bits << 8 | u64::from(self.byte()))
    }

    /// A step: a small one, or any.
    fn step(&mut self) -> u64 {
        match self.byte() {
            255 => self.bits(),
            small => small.into(),
        }
    }

    /// Any float64, more often one that a recipe may have.
    fn number(&mut self) -> f64 {
        match self.byte() {
            0 => 0.0,
            1 => f64::from_bits(self.bits()),
            2 => -(self.bits() as f64 / u64::MAX as f64),
            3 => f64::from(self.byte()) * 4.0,
            4 => 1.0 - f64::from(self.byte()).exp2().recip(),
            // From 1 down to 1e-12.
            other => f64::from(self.byte()) / 256.0 * (-f64::from(other) / 9.0).exp(),
        }
    }

    fn numbers(&mut self, count: usize) -> Vec<f64> {
        (0..count).map(|_| self.number()).collect()
    }

    /// Few steps, as a rule in order.
    fn starts(&mut self) -> Vec<u64> {
        let mut start = 0_u64;
        (0..self.byte() % 4)
            .map(|_| {
                start = start.wrapping_add(self.step());
                start
            })
            .collect()
    }

    fn schedule(&mut self, depth: u8) -> Result<Schedule, ScheduleError> {
        let kind = self.byte() % 12;
        match kind {
            0..=2 => Schedule::constant(self.number()),
            3 => {
                let (initial, factor) = (self.number(), self.number());
                Schedule::step_decay(initial, factor, &self.starts())
            }
            4 => Schedule::cosine(self.number(), self.number(), self.step()),
            5 => Schedule::linear(self.number(), self.number(), self.step()),
            6 => {
                let [from, to, power] = [(); 3].map(|()| self.number());
                Schedule::polynomial(from, to, power, self.step())
            }
            7 => {
                let (initial, growth) = (self.number(), self.number());
                Schedule::exponential(initial, growth, self.step(), self.step())
            }
            8 => {
                let boundaries = self.starts();
                let values = self.numbers(boundaries.len() + 1);
                Schedule::piecewise(&values, &boundaries)
            }
            9 => {
                let count = self.byte() % 6;
                Schedule::tabulated(self.numbers(count.into()))
            }
            10 => {
                let [from, peak, to] = [(); 3].map(|()| self.number());
                Schedule::warmup_cosine(from, peak, to, self.step(), self.step())
            }
            _ if depth > 3 => Schedule::constant(self.number()),
            _ => {
                let mut starts = self.starts();
                starts.insert(0, 0);
                let part = |start| Ok((self.schedule(depth + 1)?, start));
                Schedule::joined(starts.into_iter().map(part).collect::<Result<_, _>>()?)
            }
        }
    }

    fn hyperparameters(&mut self) -> Hyperparameters {
        Hyperparameters {
            learning_rate: self.number(),
            weight_decay: self.number(),
            momentum: self.number(),
        }
    }
}

/// Numbers of the bytes through schedules, recipes and laws.
pub(crate) fn laws(bytes: &[u8]) {
    let mut source = Source(bytes);
    match source.byte() % 4 {
        0 => recipes(&mut source),
        1 => sgd(&mut source),
        2 => others(&mut source),
        _ => companions(&mut source),
    }
}

/// The two steps at the end of each kind of step, and some others.
fn steps(source: &mut Source) -> impl Iterator<Item = u64> + use<> {
    (0..STEPS).chain([source.step(), u64::MAX - 1, u64::MAX])
}

fn recipes(source: &mut Source) {
    let schedules = [(); 3].map(|()| source.schedule(0));
    let coefficient = source.number();
    for schedule in schedules.iter().flatten() {
        for step in steps(source) {
            assert!(schedule.at(step).is_finite(), "{schedule:?} at {step}");
        }
        for phase in schedule.phases().into_iter().flatten() {
            assert_eq!(schedule.at(phase.start), phase.value);
        }
        if let Ok(rate) = ExponentialRate::new(schedule.clone(), coefficient) {
            assert!(!rate.ln_learning_rate(u64::MAX).is_nan());
        }
    }
    let [Ok(rate), Ok(decay), Ok(momentum)] = schedules else {
        return;
    };
    let Ok(recipe) = Recipe::new(rate, decay, momentum) else {
        return;
    };
    for step in steps(source) {
        assert!(
            recipe.at(step).validate(step).is_ok(),
            "{recipe:?} at {step}"
        );
    }
    let magnitudes = Magnitudes::new(
        Bounds::just(source.number()),
        Bounds::just(source.number()),
        source.number(),
        Bounds::just(source.number()),
        source.byte().into(),
    );
    for law in [
        Ok(ExactLaw::new()),
        ExactLaw::from_buffer_coefficient(coefficient),
    ] {
        let Ok(law) = law else { continue };
        for format in FloatFormat::ALL {
            let Ok(magnitudes) = magnitudes else { break };
            let steps = || law.clone().steps(&recipe).take(STEPS as usize);
            let _ = RangeReport::of(steps(), format, &magnitudes);
            let mut renormaliser = Renormaliser::new(format, magnitudes);
            for step in steps().map_while(Result::ok) {
                let _ = renormaliser.before(&step);
                assert!(renormaliser.learning_rate(&step) >= 0.0);
            }
        }
        for step in law.steps(&recipe).take(STEPS as usize).flatten() {
            check(&step);
        }
    }
    if let Ok(access) = ExactAccess::new(&recipe, coefficient) {
        steps(source).for_each(|step| check(&access.at(step)));
    }
    for recipe in [Some(recipe.clone()), recipe.with_constant_rate().ok()]
        .iter()
        .flatten()
    {
        let Ok(texp) = Texp::new(recipe) else {
            continue;
        };
        for step in steps(source) {
            check(&texp.at(step));
            let momentum = texp.boundary_momentum(step);
            assert!(momentum.is_none_or(|momentum| (0.0..1.0).contains(&momentum)));
            let factor = texp.buffer_shift(step).map(|shift| shift.factor());
            assert!(factor.is_none_or(|factor| !factor.is_nan()));
        }
    }
}

/// A step's numbers are numbers, but for the logarithm of a rate of 0.
fn check(step: &EquivalentStep) {
    let finite = [
        step.weight_decay,
        step.momentum,
        step.shrink,
        step.ln_shrink,
        step.ln_scale,
        step.ln_scale_after,
        step.buffer_coefficient,
        step.buffer_coefficient_after,
    ];
    assert!(finite.iter().all(|number| number.is_finite()), "{step:?}");
    assert!(step.ln_learning_rate < f64::INFINITY, "{step:?}");
    assert!(step.shrink > 0.0, "{step:?}");
}

fn sgd(source: &mut Source) {
    let coefficient = source.number();
    let or_new = |law: Option<ExactLaw>| law.unwrap_or_default();
    let mut exact = or_new(ExactLaw::from_buffer_coefficient(coefficient).ok());
    let mut keeping = ExactLaw::new();
    let mut shifting = exact.clone();
    let mut inverse = InverseLaw::from_buffer_coefficient(coefficient).unwrap_or_default();
    let mut inside = InsideLaw::from_buffer_coefficient(coefficient).unwrap_or_default();
    let forms = [MomentumForm::LrInside, MomentumForm::LrOutside];
    let mut changes = forms.map(FormChange::to);
    let mut undampened = WithoutDampening::new();
    while !source.0.is_empty() {
        let with = source.hyperparameters();
        let other = source.number();
        let before = exact.clone();
        match exact.step(with) {
            Ok(step) => check(&step),
            Err(error) => {
                assert!(!error.to_string().contains('\n'));
                assert_eq!(exact, before, "an error moves the law");
            }
        }
        let _ = exact.clone().shift_buffer(other);
        if let Ok(step) = keeping.step_keeping(with, other) {
            check(&step);
        }
        if let Ok(step) = shifting.step_shifting(with, other) {
            check(&step.step);
        }
        let without = WithoutDecay {
            ln_learning_rate: with.learning_rate,
            momentum: with.momentum,
        };
        if let Ok(step) = inverse.step(without, other) {
            assert!(
                step.decay_product.is_finite() && !step.weight_decay.is_nan(),
                "{step:?}"
            );
            assert!(step.ln_learning_rate.is_finite() && !step.buffer_coefficient_after.is_nan());
        }
        if let Ok(growth) = ConstantGrowth::new(without, other) {
            assert!(growth.decay_product() > 0.0 && !growth.buffer_coefficient().is_nan());
        }
        if let Ok(step) = inside.step(with) {
            assert!(
                step.momentum.is_finite() && step.ln_scale_after.is_finite(),
                "{step:?}"
            );
            assert!(!step.learning_rate().is_nan());
        }
        for change in &mut changes {
            if let Ok(changed) = change.step(with) {
                assert!(changed.momentum.is_finite(), "{changed:?}");
            }
        }
        if let Ok(changed) = undampened.step(with, other) {
            assert!(changed.momentum.is_finite(), "{changed:?}");
        }
        if let Ok(phase) = ConstantPhase::new(with) {
            constant_phase(&phase, other);
        }
    }
}

fn constant_phase(phase: &ConstantPhase, other: f64) {
    assert!(
        (0.0..=1.0).contains(&phase.root()) && phase.root() > 0.0,
        "{phase:?}"
    );
    assert!(
        phase.root_gap() >= 0.0 && phase.ln_growth() >= 0.0,
        "{phase:?}"
    );
    assert!(
        phase.stationary_buffer_coefficient().is_finite(),
        "{phase:?}"
    );
    let _ = phase.settled_ln_difference(other);
    let _ = phase.boundary_momentum(phase);
    let equilibrium = Equilibrium::new(*phase);
    for angle in [
        equilibrium.rotation_per_step(),
        equilibrium.diffusion_per_step(),
    ] {
        assert!(angle >= 0.0, "{phase:?}");
    }
    assert!(equilibrium.fourth_power_time_constant() > 0.0, "{phase:?}");
    let _ = equilibrium.squared_norm(other);
    let _ = equilibrium.effective_learning_rate(other);
    let _ = equilibrium.steps_to_grow_by(other);
    let _ = equilibrium.steps_to_equilibrium(other, 0.01);
}

fn others(source: &mut Source) {
    let count = usize::from(source.byte() % 5);
    let role = |_| match source.byte() % 4 {
        0 | 1 => GroupRole::Leads,
        2 => GroupRole::Keeps,
        _ => GroupRole::Follows {
            leader: usize::from(source.byte() % 6),
            exponent: source.number(),
        },
    };
    let roles: Vec<GroupRole> = (0..count).map(role).collect();
    let exponents = source.numbers(count);
    let mut groups = [
        GroupsLaw::new(&roles),
        GroupsLaw::common_direction(&exponents),
    ];
    let mut adam = AdamWLaw::new();
    let mut decoupled = DecoupledLaw::homogeneous(source.number());
    let mut nesterov = [
        NesterovForm::FreeDampening,
        NesterovForm::SeparateLookahead,
        NesterovForm::PyTorch,
    ]
    .map(NesterovLaw::new);
    while !source.0.is_empty() {
        let with: Vec<_> = (0..count).map(|_| source.hyperparameters()).collect();
        for law in groups.iter_mut().flatten() {
            if let Ok(steps) = law.step(&with) {
                steps.iter().for_each(|step| check(&step.equivalent));
            }
        }
        let sgd = source.hyperparameters();
        let with = AdamWHyperparameters {
            learning_rate: sgd.learning_rate,
            weight_decay: sgd.weight_decay,
            beta1: sgd.momentum,
            beta2: source.number(),
            epsilon: source.number(),
        };
        if let Ok(step) = adam.step(with) {
            assert!(!step.epsilon().is_nan(), "{step:?}");
            assert!(!step.decoupled.learning_rate().is_nan(), "{step:?}");
            let _ = (step.coefficients(), step.stock.hyperparameters());
        }
        if let Ok(law) = &mut decoupled {
            if let Ok(step) = law.step(sgd.learning_rate, sgd.weight_decay) {
                assert!(!step.learning_rate().is_nan(), "{step:?}");
                assert!(step.ln_scale_after.is_finite(), "{step:?}");
            }
        }
        let with = NesterovHyperparameters {
            gradient_weight: source.number(),
            lookahead: source.number(),
            ..NesterovHyperparameters::pytorch(sgd)
        };
        for law in &mut nesterov {
            if let Ok(step) = law.step(with) {
                let twin = step.hyperparameters();
                assert!(
                    !twin.learning_rate.is_nan() && !twin.momentum.is_nan(),
                    "{step:?}"
                );
            }
        }
    }
}

fn companions(source: &mut Source) {
    let [a, b, c] = [(); 3].map(|()| source.number());
    let total = source.bits() as i64;
    assert!(a.is_nan() || rescaled_learning_rate(a, total) >= 0.0);
    let clipping = NormClipping {
        threshold: a,
        epsilon: b,
    };
    let _ = clipping.equivalent(c).factor(b);
    let _ = ValueClipping { threshold: a.abs() }
        .equivalent(c)
        .clipped(b);
    let _ = ValueClipping { threshold: a }.equivalent(c).clipped(b);
    let average = ExponentialAverage { decay: a };
    let _ = (
        average.coefficients(b),
        average.plain_decay(b),
        average.memory_in_steps(c),
    );
    let _ = EqualAverage {
        count: source.bits(),
    }
    .coefficients(a);
    if let Ok(rescaling) = Rescaling::new(a) {
        if let Ok(undone) = rescaling.then(&rescaling.inverse()) {
            assert!(undone.factor().is_finite());
        }
        let _ = rescaling.hyperparameters(&source.hyperparameters());
    }
    let _ = Rescaling::<f64>::power_of_two(total);
}
