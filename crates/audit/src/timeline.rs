//! Hyperparameters over all steps, as stretches that are constant, and what they do to a norm.

use schedule_core::Hyperparameters;
use schedule_core::equilibrium::Equilibrium;
use schedule_core::law::exact::ConstantPhase;

use crate::log::Row;

/// A run's hyperparameters from its first logged step to its last.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    stretches: Vec<Stretch>,
}

/// Steps of the same hyperparameters, `end` not included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stretch {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) with: Hyperparameters,
}

/// What the steps from one measurement to the next make of `‖w‖⁴`, to first order in `λη`:
/// `‖w‖⁴_after = e^{−decay}·‖w‖⁴_before + gain·σ²·e^{2·ln_reference}`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Response {
    /// `∫ 4ηλ/(1−γ)`.
    pub(crate) decay: f64,
    /// Of the gradient noise `σ²`, in units of the square of the reference rate.
    pub(crate) gain: f64,
    /// What the gain would be of noise that adds up like a random walk's; in units of the reference's fourth power.
    pub(crate) spread: f64,
    /// The logarithm of the largest rate, to which all is relative so that nothing leaves the range of floats.
    pub(crate) ln_reference: f64,
}

impl Timeline {
    pub(crate) fn new(rows: &[Row]) -> Self {
        let mut stretches: Vec<Stretch> = Vec::new();
        for row in rows {
            if let Some(last) = stretches.last_mut() {
                if last.with == row.with {
                    last.end = row.step + 1;
                    continue;
                }
                last.end = row.step;
            }
            stretches.push(Stretch {
                start: row.step,
                end: row.step + 1,
                with: row.with,
            });
        }
        Self { stretches }
    }

    pub(crate) fn stretches(&self) -> &[Stretch] {
        &self.stretches
    }

    /// The stretch of a step, or the one nearest to it.
    pub(crate) fn at(&self, step: u64) -> Option<&Stretch> {
        let after = self
            .stretches
            .partition_point(|stretch| stretch.start <= step);
        self.stretches.get(after.saturating_sub(1))
    }

    /// The stretches that overlap some steps, cut to them.
    pub(crate) fn between(&self, from: u64, to: u64) -> impl Iterator<Item = Stretch> + Clone + '_ {
        let first = self
            .stretches
            .partition_point(|stretch| stretch.end <= from);
        let overlapping = self
            .stretches
            .iter()
            .skip(first)
            .take_while(move |stretch| stretch.start < to);
        overlapping.map(move |stretch| Stretch {
            start: stretch.start.max(from),
            end: stretch.end.min(to),
            ..*stretch
        })
    }

    /// The response of a norm to some steps, `None` where there is none: the rate is 0, or λη beyond its bound.
    pub(crate) fn response(&self, from: u64, to: u64) -> Option<Response> {
        let rates = self
            .between(from, to)
            .map(|stretch| stretch.with.learning_rate);
        let reference = rates.fold(0.0, f64::max);
        let ln_reference = reference.ln();
        if !ln_reference.is_finite() {
            return None;
        }
        let mut response = Response {
            decay: 0.0,
            gain: 0.0,
            spread: 0.0,
            ln_reference,
        };
        for stretch in self.between(from, to) {
            let per_step = 1.0 / equilibrium(stretch.with)?.fourth_power_time_constant();
            let steps = (stretch.end - stretch.start) as f64;
            let kick = 2.0
                * (stretch.with.learning_rate / reference / (1.0 - stretch.with.momentum)).powi(2);
            response.decay += per_step * steps;
            response.gain =
                response.gain * (-per_step * steps).exp() + kick * total(per_step, steps);
            response.spread = response.spread * (-2.0 * per_step * steps).exp()
                + kick * kick * total(2.0 * per_step, steps);
        }
        (response.gain > 0.0 && response.spread > 0.0).then_some(response)
    }
}

/// `∫₀ⁿ e^{−kt} dt`.
fn total(per_step: f64, steps: f64) -> f64 {
    if per_step * steps == 0.0 {
        steps
    } else {
        -(-per_step * steps).exp_m1() / per_step
    }
}

/// The equilibrium of a phase; `None` where `λη` is beyond its bound.
pub(crate) fn equilibrium(with: Hyperparameters) -> Option<Equilibrium> {
    ConstantPhase::new(with).ok().map(Equilibrium::new)
}

/// `(1−√γ)²`, the largest `λη` for which a phase has a twin that goes on for ever.
pub(crate) fn bound(momentum: f64) -> f64 {
    ((1.0 - momentum) / (1.0 + momentum.sqrt())).powi(2)
}
