//! What one stretch of a log says.

use schedule_core::Hyperparameters;

use crate::findings::{EquilibriumOf, NormFinding, NormVerdict, Phase};
use crate::log::Log;
use crate::noise::{GradientNoise, INTERVALS_FOR_ERROR, Interval, estimate, intervals};
use crate::phases::Span;
use crate::timeline::{Timeline, equilibrium};
use crate::twin::Law;

/// `‖w‖²` within this of its equilibrium counts as there: its own fluctuations over a few hundred steps are of that size.
pub const EQUILIBRIUM_TOLERANCE: f64 = 0.05;

/// After so many times `1/(1−γ)` steps a momentum buffer has forgotten all but e⁻³ = 5 % of what it held: from then on it is as
/// full as it gets, and what a norm does in intervals as long as that is nearly independent.
const BUFFER_MEMORY: f64 = 3.0;

/// Standard errors between what is said and chance.
const STANDARD_ERRORS: f64 = 2.0;

/// A stretch of a log.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) log: &'a Log,
    pub(crate) timeline: &'a Timeline,
    pub(crate) span: Span,
    pub(crate) after_jump: bool,
    pub(crate) steps_per_epoch: Option<u64>,
}

/// What a norm did in a stretch.
struct Way {
    points: Vec<(u64, f64)>,
    intervals: Vec<Interval>,
    start: (u64, f64),
}

impl View<'_> {
    fn last(&self) -> Option<Hyperparameters> {
        self.timeline
            .at(self.span.end - 1)
            .map(|stretch| stretch.with)
    }

    pub(crate) fn phase(&self, norms: Vec<NormFinding>, law: &Law) -> Option<Phase> {
        let Span {
            start,
            end,
            constant,
        } = self.span;
        let (first, last) = (self.timeline.at(start)?.with, self.last()?);
        let equilibrium_of = || {
            let of_last = equilibrium(last)?;
            let constants = self.timeline.between(start, end).map(|stretch| {
                let steps = (stretch.end - stretch.start) as f64;
                Some(steps / equilibrium(stretch.with)?.fourth_power_time_constant())
            });
            Some(EquilibriumOf {
                rotation_per_step: of_last.rotation_per_step(),
                time_constant: of_last.fourth_power_time_constant(),
                time_constants: constants.sum::<Option<f64>>()?,
            })
        };
        Some(Phase {
            start,
            end,
            constant,
            learning_rate: [first.learning_rate, last.learning_rate],
            weight_decay: [first.weight_decay, last.weight_decay],
            momentum: [first.momentum, last.momentum],
            intrinsic_rate: last.learning_rate * last.weight_decay,
            equilibrium: equilibrium_of(),
            twin: law.of_phase(self.timeline, self.span, self.steps_per_epoch),
            norms,
        })
    }

    /// The measurements of a series, those that a full buffer has made as intervals if there are enough.
    fn way(&self, series: usize) -> Option<Way> {
        let Span { start, end, .. } = self.span;
        let points = self.log.points(series, start, end);
        let memory = (BUFFER_MEMORY / (1.0 - self.last()?.momentum)).ceil() as u64;
        let settled_from = start.saturating_add(if self.after_jump { memory } else { 0 });
        let settled = points.partition_point(|point| point.0 < settled_from);
        let settled = points
            .get(settled..)
            .filter(|settled| settled.len() > 1)
            .unwrap_or(&points);
        let intervals = intervals(self.timeline, settled, memory);
        let start = *settled.first()?;
        Some(Way {
            intervals,
            start,
            points,
        })
    }

    /// What a series says, and its predicted way.
    pub(crate) fn norm(
        &self,
        series: usize,
        noise_before: Option<GradientNoise>,
    ) -> Option<(NormFinding, Vec<(u64, f64)>)> {
        let Way {
            points,
            intervals,
            start,
        } = self.way(series)?;
        let ((_, ln_start), (_, ln_end), last) = (*points.first()?, *points.last()?, self.last()?);
        let whole = estimate(&intervals);
        let (drift, noise) =
            drift(&intervals).map_or((None, whole), |(drift, late)| (Some(drift), Some(late)));
        let verdict = self.verdict(&points, noise, last);
        let known = noise
            .filter(|_| verdict == NormVerdict::Known || verdict == NormVerdict::NoEquilibrium);
        let curve = whole.filter(|_| known.is_some());
        let curve = curve.map_or(Vec::new(), |noise| predict(start, &intervals, noise.square));
        let forecast =
            noise_before.filter(|_| verdict != NormVerdict::Frozen && !intervals.is_empty());
        let forecast =
            forecast.and_then(|noise| predict(start, &intervals, noise.square).last().copied());
        let mut finding = NormFinding {
            layer: self.log.series.get(series)?.clone(),
            measurements: points.len(),
            ln_squared_norm_start: ln_start,
            ln_squared_norm_end: ln_end,
            effective_rate: (last.learning_rate.ln() - ln_end).exp(),
            verdict,
            gradient_noise: noise,
            ln_squared_norm_equilibrium: None,
            ratio_start: None,
            ratio_end: None,
            ratio_end_error: None,
            distance: None,
            rotation_per_step: known.map(|noise| {
                let ln_rate = last.learning_rate.ln() - 0.5 * (-last.momentum.powi(2)).ln_1p();
                (ln_rate + 0.5 * noise.square.ln() - ln_end).exp()
            }),
            steps_lacking: None,
            epochs_lacking: None,
            prediction_error: prediction_error(&intervals, &curve),
            ln_squared_norm_forecast: forecast.map(|(_, ln)| ln),
            noise_drift: drift.filter(|_| known.is_some()),
        };
        if verdict == NormVerdict::Known {
            self.compare(&mut finding, last);
        }
        Some((finding, curve))
    }

    /// The equilibrium at each measurement of the phase, and at its last step.
    pub(crate) fn equilibria(&self, finding: &NormFinding) -> Vec<(u64, f64)> {
        let Span { start, end, .. } = self.span;
        let (NormVerdict::Known, Some(noise)) = (finding.verdict, finding.gradient_noise) else {
            return Vec::new();
        };
        let points = self.log.points(0, start, end - 1);
        let steps = points.iter().map(|point| point.0);
        let steps = steps.filter(|&step| step < end - 1).chain([end - 1]);
        let at = |step| {
            let equilibrium = equilibrium(self.timeline.at(step)?.with)?;
            let ln_square = equilibrium.squared_norm(1.0).ln() + 0.5 * noise.square.ln();
            Some((step, ln_square)).filter(|_| ln_square.is_finite())
        };
        steps.filter_map(at).collect()
    }

    fn verdict(
        &self,
        points: &[(u64, f64)],
        noise: Option<GradientNoise>,
        last: Hyperparameters,
    ) -> NormVerdict {
        if equilibrium(last).is_none() {
            return NormVerdict::BeyondBound;
        }
        let moves = last.learning_rate > 0.0 && last.weight_decay > 0.0;
        let same = points
            .windows(2)
            .all(|pair| matches!(pair, [(_, a), (_, b)] if a.to_bits() == b.to_bits()));
        if points.len() > 2 && same && last.learning_rate > 0.0 {
            return NormVerdict::Frozen;
        }
        match noise {
            None => NormVerdict::NotDetermined,
            Some(GradientNoise {
                square,
                standard_error: Some(error),
                ..
            }) if square + STANDARD_ERRORS * error < 0.0 => NormVerdict::FellTooFast,
            Some(GradientNoise {
                square,
                standard_error,
                ..
            }) if square <= STANDARD_ERRORS * standard_error.unwrap_or(0.0) => {
                NormVerdict::NotDetermined
            }
            Some(_) if moves => NormVerdict::Known,
            Some(_) => NormVerdict::NoEquilibrium,
        }
    }

    /// Where the norm is, measured by its equilibrium.
    fn compare(&self, finding: &mut NormFinding, last: Hyperparameters) {
        let (Some(noise), Some(equilibrium)) = (finding.gradient_noise, equilibrium(last)) else {
            return;
        };
        let ln_equilibrium = equilibrium.squared_norm(1.0).ln() + 0.5 * noise.square.ln();
        let ratio = |ln_square: f64| (ln_square - ln_equilibrium).exp();
        let at_end = ratio(finding.ln_squared_norm_end);
        // Of σ² to the power of −½.
        let relative_error = noise.standard_error.map(|error| 0.5 * error / noise.square);
        let lacking = equilibrium.steps_to_equilibrium(at_end, EQUILIBRIUM_TOLERANCE);
        finding.ln_squared_norm_equilibrium = Some(ln_equilibrium);
        finding.ratio_start = Some(ratio(finding.ln_squared_norm_start));
        finding.ratio_end = Some(at_end);
        finding.ratio_end_error = relative_error.map(|error| error * at_end);
        finding.distance = Some(2.0 * (finding.ln_squared_norm_end - ln_equilibrium));
        finding.steps_lacking = Some(lacking);
        finding.epochs_lacking = self.steps_per_epoch.map(|steps| lacking / steps as f64);
    }
}

/// Step and `ln ‖w‖²` after each interval, from a start.
fn predict(start: (u64, f64), intervals: &[Interval], noise: f64) -> Vec<(u64, f64)> {
    let mut points = vec![start];
    let mut ln_square = start.1;
    for interval in intervals {
        ln_square = interval.predicted(ln_square, noise);
        points.push((interval.to, ln_square));
    }
    points
}

/// Root mean square of the logarithm of predicted over measured; of a few intervals it would only be the fit.
fn prediction_error(intervals: &[Interval], curve: &[(u64, f64)]) -> Option<f64> {
    let pairs = intervals.iter().zip(curve.iter().skip(1));
    let squares: Vec<f64> = pairs
        .map(|(interval, point)| (point.1 - interval.ln_after).powi(2))
        .collect();
    if squares.len() < INTERVALS_FOR_ERROR {
        return None;
    }
    let mean = squares.iter().sum::<f64>() / squares.len() as f64;
    Some(mean.sqrt()).filter(|error| error.is_finite())
}

/// The noise of a phase's end, where it drifts: that of its second half, of whose second half if it still drifts there, and so
/// on; and what it is over that of the phase's first half. `None` where it does not drift by more than chance.
fn drift(intervals: &[Interval]) -> Option<(f64, GradientNoise)> {
    let (first, second) = intervals.split_at(intervals.len() / 2);
    let (first, late) = (estimate(first)?, estimate(second)?);
    let (a, b) = (first.standard_error?, late.standard_error?);
    let apart = (late.square - first.square).abs() > STANDARD_ERRORS * (a * a + b * b).sqrt();
    if !apart || first.square <= 0.0 {
        return None;
    }
    let late = drift(second).map_or(late, |(_, latest)| latest);
    Some((late.square / first.square, late))
}
