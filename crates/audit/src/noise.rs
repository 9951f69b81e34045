//! The gradient noise that a norm's way shows.

use serde::Serialize;

use crate::timeline::{Response, Timeline};

/// Intervals for which a scatter is worth calling a standard error.
pub(crate) const INTERVALS_FOR_ERROR: usize = 4;

/// `σ²`, and how well it is known.
///
/// `σ² = Σ_τ γ^|τ| E⟨∇L_t, ∇L_{t+τ}⟩‖w‖²`: the mean square of gradients on the unit sphere, those of different steps counted
/// as far as the momentum buffer remembers. It is what norms show, and all of the gradients that they show. See the crate's
/// documentation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct GradientNoise {
    /// `σ²`; negative where the norm fell faster than weight decay makes it.
    pub square: f64,
    /// Its standard error from the scatter of the intervals, if there are at least 4.
    pub standard_error: Option<f64>,
    /// Intervals between measurements that went into it.
    pub intervals: usize,
}

/// A norm's way from one measurement to the next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interval {
    pub(crate) to: u64,
    ln_before: f64,
    pub(crate) ln_after: f64,
    response: Response,
    /// What part of the noise's variance is left in it: weights follow `z`, in which each gradient counts at once, by a mean lag of
    /// `m = γ/(1−γ)` steps, so a change over `n` steps is smoothed, and lacks `m(1−e^{−n/m})/n` of a random walk's variance.
    left: f64,
}

impl Interval {
    /// `‖w‖⁴` at its ends, over the square of the reference rate.
    fn fourth_powers(&self) -> (f64, f64) {
        let relative = |ln_square: f64| (2.0 * (ln_square - self.response.ln_reference)).exp();
        (relative(self.ln_before), relative(self.ln_after))
    }

    /// The `σ²` that takes the norm from its start to its end, and its weight: one over its variance, up to a factor.
    fn noise(&self) -> (f64, f64) {
        let (before, after) = self.fourth_powers();
        let Response {
            decay,
            gain,
            spread,
            ..
        } = self.response;
        // Nothing cancels beyond what does in the difference of the norms.
        let change = (after - before) - before * (-decay).exp_m1();
        (change / gain, gain * gain / spread)
    }

    /// `ln ‖w‖²` at the end, from this at the start.
    pub(crate) fn predicted(&self, ln_square: f64, noise: f64) -> f64 {
        let Response {
            decay,
            gain,
            ln_reference,
            ..
        } = self.response;
        let before = (2.0 * (ln_square - ln_reference)).exp();
        let after = before * (-decay).exp() + gain * noise;
        ln_reference + 0.5 * after.ln()
    }
}

/// The ways between measurements that are at least `apart` steps from each other, the last to the last measurement.
pub(crate) fn intervals(timeline: &Timeline, points: &[(u64, f64)], apart: u64) -> Vec<Interval> {
    let mut kept: Vec<(u64, f64)> = Vec::new();
    for &point in points {
        if kept
            .last()
            .is_none_or(|last| point.0 - last.0 >= apart.max(1))
        {
            kept.push(point);
        }
    }
    if let Some(&last) = points.last()
        && kept.last() != Some(&last)
    {
        if kept.len() > 1 {
            kept.pop();
        }
        kept.push(last);
    }
    let pairs = kept.iter().zip(kept.iter().skip(1));
    let interval = |(&(from, ln_before), &(to, ln_after)): (&(u64, f64), &(u64, f64))| {
        let response = timeline.response(from, to)?;
        let momentum = timeline.at(from)?.with.momentum;
        let (lag, steps) = (momentum / (1.0 - momentum), (to - from) as f64);
        let lost = if lag > 0.0 {
            -lag * (-steps / lag).exp_m1() / steps
        } else {
            0.0
        };
        Some(Interval {
            left: 1.0 - lost,
            to,
            ln_before,
            ln_after,
            response,
        })
    };
    pairs.filter_map(interval).collect()
}

/// The noise that fits intervals best: their mean, weighted. `None` without intervals.
pub(crate) fn estimate(intervals: &[Interval]) -> Option<GradientNoise> {
    let values = intervals.iter().map(|interval| {
        let (noise, weight) = interval.noise();
        (noise, weight, interval.left)
    });
    let values: Vec<(f64, f64, f64)> = values
        .filter(|(noise, weight, _)| noise.is_finite() && weight.is_finite())
        .collect();
    let weights: f64 = values.iter().map(|(_, weight, _)| weight).sum();
    let square = values
        .iter()
        .map(|(noise, weight, _)| noise * weight)
        .sum::<f64>()
        / weights;
    if !square.is_finite() {
        return None;
    }
    let scatter = values
        .iter()
        .map(|(noise, weight, left)| weight * (noise - square).powi(2) / left)
        .sum::<f64>();
    let standard_error = (values.len() >= INTERVALS_FOR_ERROR)
        .then(|| (scatter / (values.len() - 1) as f64 / weights).sqrt())
        .filter(|error| error.is_finite());
    Some(GradientNoise {
        square,
        standard_error,
        intervals: values.len(),
    })
}

#[cfg(test)]
mod tests {
    use schedule_core::Hyperparameters;

    use super::*;
    use crate::log::Row;

    /// Of intervals of unequal length each counts as one over its variance: in units of the equilibrium's `‖w‖⁴` that is
    /// `tanh(kn/2)`, `k` one over the time constant and `n` the steps.
    #[test]
    fn a_longer_interval_counts_for_more() {
        let with = Hyperparameters {
            learning_rate: 0.1,
            weight_decay: 5e-4,
            momentum: 0.9,
        };
        let rows = [0, 1300].map(|step| Row {
            step,
            with,
            ln_squares: Vec::new(),
        });
        let timeline = Timeline::new(&rows);
        let points = [(0, 2.0_f64), (100, 3.0), (1300, 5.0)];
        let logarithms = points.map(|(step, square)| (step, square.ln()));
        let found = estimate(&intervals(&timeline, &logarithms, 50)).unwrap();
        let terms = points.windows(2).map(|pair| {
            let ((from, before), (to, after)) = (pair[0], pair[1]);
            let constants = (to - from) as f64 / 500.0;
            let left = (-constants).exp();
            let fourth_power = (after * after - before * before * left) / (1.0 - left);
            // σ² = ‖w‖⁴·2λ(1−γ)/η.
            (
                fourth_power * 2.0 * 5e-4 * 0.1 / 0.1,
                (constants / 2.0).tanh(),
            )
        });
        let terms: Vec<(f64, f64)> = terms.collect();
        let weights: f64 = terms.iter().map(|(_, weight)| weight).sum();
        let expected = terms
            .iter()
            .map(|(noise, weight)| noise * weight)
            .sum::<f64>()
            / weights;
        assert!(
            (found.square / expected - 1.0).abs() < 1e-12,
            "{found:?} {expected}"
        );
        assert_eq!((found.intervals, found.standard_error), (2, None));
    }
}
