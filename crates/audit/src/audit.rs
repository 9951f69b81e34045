//! From a log to findings.

use crate::LogError;
use crate::advice::advice;
use crate::findings::{Findings, NormVerdict};
use crate::log::Log;
use crate::noise::GradientNoise;
use crate::phases::spans;
use crate::timeline::Timeline;
use crate::twin::Law;
use crate::view::View;

/// A log with everything that its findings are made of.
#[derive(Debug)]
pub struct Audit {
    pub(crate) log: Log,
    pub(crate) timeline: Timeline,
    pub(crate) findings: Findings,
    curves: Curves,
}

/// Curves for a plot.
#[derive(Debug)]
struct Curves {
    /// Of all weights: step and `ln ‖w‖²`, as predicted in each phase.
    predicted: Vec<Vec<(u64, f64)>>,
    /// So too, as the equilibrium of the hyperparameters of each measurement.
    equilibria: Vec<Vec<(u64, f64)>>,
    /// `ln η̃`.
    twin: Vec<(u64, f64)>,
}

impl Audit {
    /// Audits a log.
    ///
    /// # Errors
    /// [`LogError::NoEpoch`] for epochs of 0 steps.
    pub fn new(log: Log, steps_per_epoch: Option<u64>) -> Result<Self, LogError> {
        if steps_per_epoch == Some(0) {
            return Err(LogError::NoEpoch);
        }
        let timeline = Timeline::new(&log.rows);
        let law = Law::new(&timeline);
        let spans = spans(&timeline, steps_per_epoch);
        let mut noises: Vec<Option<GradientNoise>> = vec![None; log.series.len()];
        let (mut phases, mut predicted, mut equilibria) = (Vec::new(), Vec::new(), Vec::new());
        for (index, span) in spans.iter().enumerate() {
            let after_jump = index == 0 || span.constant;
            let view = View {
                log: &log,
                timeline: &timeline,
                span: *span,
                after_jump,
                steps_per_epoch,
            };
            let mut norms = Vec::new();
            for (series, noise) in noises.iter_mut().enumerate() {
                let Some((finding, curve)) = view.norm(series, *noise) else {
                    continue;
                };
                if series == 0 {
                    predicted.push(curve);
                    equilibria.push(view.equilibria(&finding));
                }
                if finding.verdict == NormVerdict::Known
                    || finding.verdict == NormVerdict::NoEquilibrium
                {
                    *noise = finding.gradient_noise;
                }
                norms.push(finding);
            }
            let Some(phase) = view.phase(norms, &law) else {
                continue;
            };
            phases.push(phase);
        }
        let stride = (log.end_step() - log.first_step()).div_ceil(2000).max(1);
        let steps = (log.first_step()..log.end_step())
            .step_by(usize::try_from(stride).unwrap_or(usize::MAX));
        let curves = Curves {
            predicted,
            equilibria,
            twin: law.curve(steps),
        };
        let mut findings = Findings {
            rows: log.rows.len(),
            first_step: log.first_step(),
            end_step: log.end_step(),
            steps_per_epoch,
            phases,
            twin: law.twin(&timeline),
            advice: Vec::new(),
        };
        findings.advice = advice(&findings, &log);
        Ok(Self {
            log,
            timeline,
            findings,
            curves,
        })
    }

    /// What was found.
    #[must_use]
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Step and `ln ‖w‖²` of all weights (of the first layer, if that is all there is), as measured.
    #[must_use]
    pub fn measured(&self) -> Vec<(u64, f64)> {
        self.log.points(0, 0, u64::MAX)
    }

    /// The same as predicted in each phase from its first measurement and its gradient noise.
    #[must_use]
    pub fn predicted(&self) -> &[Vec<(u64, f64)>] {
        &self.curves.predicted
    }

    /// The same in the equilibrium that each phase's gradient noise has with the hyperparameters of a step.
    #[must_use]
    pub fn equilibria(&self) -> &[Vec<(u64, f64)>] {
        &self.curves.equilibria
    }

    /// `η` of a step; before the log and after it, of the nearest.
    #[must_use]
    pub fn rate_at(&self, step: u64) -> f64 {
        let stretch = self.timeline.at(step);
        stretch.map_or(f64::NAN, |stretch| stretch.with.learning_rate)
    }

    /// Step and `ln η̃` of the twin without weight decay, thinned.
    #[must_use]
    pub fn twin_curve(&self) -> &[(u64, f64)] {
        &self.curves.twin
    }

    /// Step and `η`, where it changes and just before.
    #[must_use]
    pub fn rates(&self) -> Vec<(u64, f64)> {
        let ends = self.timeline.stretches().iter();
        ends.flat_map(|stretch| {
            let rate = stretch.with.learning_rate;
            [(stretch.start, rate), (stretch.end - 1, rate)]
        })
        .collect()
    }
}
