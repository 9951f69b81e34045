//! The twin without weight decay: what the same training is without it.

use schedule_core::law::exact::ConstantPhase;
use schedule_core::renormalisation::FloatFormat;
use schedule_core::{ExactAccess, LawError, Recipe, Schedule};
use serde::Serialize;

use crate::phases::Span;
use crate::timeline::{Stretch, Timeline, bound};

/// The exact twin without weight decay of the logged hyperparameters, from the same weights and an empty momentum buffer
/// at the first logged step. Logarithms are natural.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Twin {
    /// The last step that it has: the last of the log, unless the law ends before.
    pub last_step: u64,
    /// Why the law ends before the log, if it does.
    pub ends_because: Option<String>,
    /// `ln η̃` at the last step; null for a rate of 0.
    pub ln_learning_rate_end: f64,
    /// `ln(‖w̃‖/‖w‖)` after the last step.
    pub ln_scale_end: f64,
    /// The first step at which `η̃` is beyond float32, if there is one.
    pub rate_leaves_float32: Option<u64>,
}

/// The twin in one phase.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PhaseTwin {
    /// `ln η̃` at the phase's first step; null where the rate is 0 or the law has ended.
    pub ln_learning_rate_start: f64,
    /// `ln η̃` at its last.
    pub ln_learning_rate_end: f64,
    /// The largest `λη` with real roots, `(1−√γ)²`, at the phase's last step.
    pub bound: f64,
    /// Whether the roots of `x² − (1+γ−λη)x + γ = 0` are real and positive at the last step: `λη ≤ (1−√γ)²`.
    pub real_roots: bool,
    /// `α`, the larger root, in a phase of constant hyperparameters.
    pub root: Option<f64>,
    /// TEXP's factor of the rate in a step, `α⁻²`, less 1.
    pub growth_per_step_minus_one: Option<f64>,
    /// And in an epoch.
    pub growth_per_epoch: Option<f64>,
}

/// The law of a log, as far as it goes.
pub(crate) struct Law {
    first: u64,
    /// One past the last step that it has.
    end: u64,
    access: Option<ExactAccess>,
    ends_because: Option<String>,
}

impl Law {
    pub(crate) fn new(timeline: &Timeline) -> Self {
        let stretches = timeline.stretches();
        let first = stretches.first().map_or(0, |stretch| stretch.start);
        let end = stretches.last().map_or(0, |stretch| stretch.end);
        let (end, error) = match access(stretches, first, end) {
            Ok(access) => {
                return Self {
                    first,
                    end,
                    access: Some(access),
                    ends_because: None,
                };
            }
            Err(error) => match ended(&error) {
                // Steps of the law are counted from the first of the log.
                Some(step) => (first.saturating_add(step).min(end), error),
                None => (first, error),
            },
        };
        let because = match error {
            LawError::ShrinkNotPositive { shrink, limit, .. } => format!(
                "at step {end} weight decay turns the weights around (a = 1 − η(λ+γκ) = {shrink:.3}), which no positive rate \
                 does; it does not if λη stays below (1−√γ)² = {limit:.3e}"
            ),
            error => error.to_string(),
        };
        let access = (end > first)
            .then(|| access(stretches, first, end).ok())
            .flatten();
        let end = if access.is_some() { end } else { first };
        Self {
            first,
            end,
            access,
            ends_because: Some(because),
        }
    }

    fn ln_rate(&self, step: u64) -> f64 {
        match &self.access {
            Some(access) if step < self.end => access.at(step - self.first).ln_learning_rate,
            _ => f64::NAN,
        }
    }

    /// `ln(‖w̃‖/‖w‖)` before a step.
    fn ln_scale(&self, step: u64) -> f64 {
        match &self.access {
            Some(access) if step <= self.end => -access.at(step - self.first).ln_scale,
            _ => f64::NAN,
        }
    }

    /// `ln η̃` at steps of a curve, as far as the law goes.
    pub(crate) fn curve(&self, steps: impl Iterator<Item = u64>) -> Vec<(u64, f64)> {
        steps
            .map(|step| (step, self.ln_rate(step)))
            .filter(|(_, ln)| ln.is_finite())
            .collect()
    }

    pub(crate) fn twin(&self, timeline: &Timeline) -> Twin {
        let last_step = self.end.saturating_sub(1).max(self.first);
        Twin {
            last_step,
            ends_because: self.ends_because.clone(),
            ln_learning_rate_end: self.ln_rate(last_step),
            ln_scale_end: self.ln_scale(self.end),
            rate_leaves_float32: self.leaves(timeline, FloatFormat::F32.largest().ln()),
        }
    }

    /// The first step whose `ln η̃` is above a bound. Between changes of the recipe it grows.
    fn leaves(&self, timeline: &Timeline, bound: f64) -> Option<u64> {
        let beyond = |step: u64| self.ln_rate(step) > bound;
        let mut stretches = timeline.between(self.first, self.end);
        let stretch = stretches.find(|stretch| beyond(stretch.end - 1))?;
        let (mut low, mut high) = (stretch.start, stretch.end - 1);
        while low < high {
            let middle = low + (high - low) / 2;
            if beyond(middle) {
                high = middle
            } else {
                low = middle + 1
            }
        }
        Some(high)
    }

    pub(crate) fn of_phase(
        &self,
        timeline: &Timeline,
        span: Span,
        steps_per_epoch: Option<u64>,
    ) -> Option<PhaseTwin> {
        let last = timeline.at(span.end - 1)?.with;
        let phase = ConstantPhase::new(last).ok();
        let constant = phase.filter(|_| span.constant);
        let growth = |steps: u64| constant.map(|phase| steps as f64 * phase.ln_growth());
        Some(PhaseTwin {
            ln_learning_rate_start: self.ln_rate(span.start),
            ln_learning_rate_end: self.ln_rate(span.end - 1),
            bound: bound(last.momentum),
            real_roots: phase.is_some(),
            root: constant.map(|phase| phase.root()),
            growth_per_step_minus_one: growth(1).map(f64::exp_m1),
            growth_per_epoch: steps_per_epoch.and_then(growth).map(f64::exp),
        })
    }
}

/// The law of stretches up to an end, from which on nothing happens, so that it need not go on for ever.
fn access(stretches: &[Stretch], first: u64, end: u64) -> Result<ExactAccess, LawError> {
    let stretches = stretches.iter().filter(|stretch| stretch.start < end);
    let boundaries: Vec<u64> = stretches
        .clone()
        .map(|stretch| stretch.start - first)
        .skip(1)
        .chain([end - first])
        .collect();
    let schedule = |value: fn(&Stretch) -> f64, at_rest: f64| {
        let values: Vec<f64> = stretches.clone().map(value).chain([at_rest]).collect();
        // Values that were validated, at boundaries that grow.
        Schedule::piecewise(&values, &boundaries).or_else(|_| Schedule::constant(at_rest))
    };
    let at_rest = stretches
        .clone()
        .next_back()
        .map_or(0.0, |stretch| stretch.with.momentum);
    let recipe = (
        schedule(|stretch| stretch.with.learning_rate, 0.0),
        schedule(|stretch| stretch.with.weight_decay, 0.0),
        schedule(|stretch| stretch.with.momentum, at_rest),
    );
    let exhausted = LawError::StepsExhausted { step: u64::MAX };
    let (Ok(rate), Ok(decay), Ok(momentum)) = recipe else {
        return Err(exhausted);
    };
    ExactAccess::new(&Recipe::new(rate, decay, momentum)?, 0.0)
}

/// The step at which a law ends, if it ends at one.
fn ended(error: &LawError) -> Option<u64> {
    match error {
        LawError::ShrinkNotPositive { step, .. } | LawError::Overflow { step, .. } => Some(*step),
        _ => None,
    }
}
