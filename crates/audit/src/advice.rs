//! What follows from findings, in sentences that claim no more than the numbers carry.

use crate::findings::{
    Advice, AdviceKind, EquilibriumOf, Findings, NormFinding, NormVerdict, Phase,
};
use crate::log::Log;
use crate::numbers::{short, with_error};
use crate::view::EQUILIBRIUM_TOLERANCE;

/// A phase of so many time constants ends within e⁻³ = 5 % of the distance of `‖w‖⁴` that it started with.
const ENOUGH_TIME_CONSTANTS: f64 = 3.0;

/// Formulas are right to first order in `λη/(1−γ)`; they are off by about as much as it is, and 2 % shows in a table.
const COARSE: f64 = 0.02;

/// A layer whose ratio to its equilibrium is so many times that of the layer in the middle, or that part of it, stands out:
/// in a phase that starts from equilibrium all layers relax alike, and only their noise, a few percent, sets them apart.
const APART: f64 = 1.5;

/// In half a time constant of `‖w‖⁴`, 60 % of its distance are left, and of that of `‖w‖²` more.
const HARDLY_MOVES: f64 = 0.5;

/// A change of `σ²` within a phase that moves its equilibrium `‖w‖²` by more than a tenth.
const DRIFT: f64 = 1.25;

/// Layers that make a middle worth comparing with.
const LAYERS_FOR_MIDDLE: usize = 3;

/// Layers that a sentence names.
const MOST_NAMED: usize = 4;

pub(crate) fn advice(findings: &Findings, log: &Log) -> Vec<Advice> {
    let mut advice = Vec::new();
    about_log(findings, log, &mut advice);
    for (index, phase) in findings.phases.iter().enumerate() {
        let mut about = About {
            findings,
            phase,
            index,
            advice: &mut advice,
        };
        about.hyperparameters();
        about.distance();
        // Of pieces of a curve, which say the same of each layer again and again, only the last.
        if phase.constant || index + 1 == findings.phases.len() {
            about.layers();
        }
    }
    about_twin(findings, &mut advice);
    advice
}

fn of_all(kind: AdviceKind, sentence: String) -> Advice {
    Advice {
        kind,
        phase: None,
        layers: Vec::new(),
        sentence,
    }
}

fn about_log(findings: &Findings, log: &Log, advice: &mut Vec<Advice>) {
    if let Some(not_finite) = &log.not_finite {
        advice.push(of_all(
            AdviceKind::Log,
            format!(
                "{} norms are NaN or infinite and count as not measured, the first in line {}, column `{}`: if they are weights' \
                 norms the training diverged there, and what is said of later steps is void.",
                not_finite.count, not_finite.line, not_finite.column,
            ),
        ));
    }
    if log.series.is_empty() {
        advice.push(of_all(
            AdviceKind::Log,
            "The log has no norms, so it shows what the hyperparameters tend to and not how far the weights are from it: log ‖w‖ \
             of each layer every 100 steps or so, as columns norm/LAYER."
                .to_owned(),
        ));
    }
    if findings.steps_per_epoch.is_none() {
        advice.push(of_all(
            AdviceKind::Log,
            "Times are in steps; with --steps-per-epoch they are also in epochs.".to_owned(),
        ));
    }
}

/// Whether the log as a whole is without decay, which is said once.
fn never_decays(findings: &Findings) -> bool {
    let mut phases = findings.phases.iter();
    phases.all(|phase| phase.weight_decay == [0.0; 2])
}

fn about_twin(findings: &Findings, advice: &mut Vec<Advice>) {
    let twin = &findings.twin;
    if never_decays(findings) {
        let sentence = "There is no weight decay in this log, so no equilibrium to be far from; the run is its own twin, and what the \
             weights feel is the effective rate η/‖w‖².";
        advice.push(of_all(AdviceKind::NoDecay, sentence.to_owned()));
        return;
    }
    if let Some(because) = &twin.ends_because {
        advice.push(of_all(
            AdviceKind::Twin,
            format!(
                "The twin without weight decay ends after step {}: {because}.",
                twin.last_step
            ),
        ));
    }
    if let Some(step) = twin.rate_leaves_float32 {
        advice.push(of_all(
            AdviceKind::Twin,
            format!(
                "The twin's rate is beyond float32 from step {step} on: train it with ln η̃, which texp convert writes, and with \
                 weights that are rescaled by powers of two, as texp train does."
            ),
        ));
    }
}

/// A phase that is spoken of.
struct About<'a> {
    findings: &'a Findings,
    phase: &'a Phase,
    index: usize,
    advice: &'a mut Vec<Advice>,
}

impl About<'_> {
    fn say(&mut self, kind: AdviceKind, layers: Vec<String>, sentence: String) {
        self.advice.push(Advice {
            kind,
            phase: Some(self.index),
            layers,
            sentence,
        });
    }

    fn name(&self) -> String {
        let Phase { start, end, .. } = self.phase;
        format!("Phase {} (steps {start} to {})", self.index + 1, end - 1)
    }

    /// A time, in epochs where they are known.
    fn time(&self, steps: f64) -> String {
        match self.findings.steps_per_epoch {
            Some(per_epoch) => format!("{} epochs", short(steps / per_epoch as f64)),
            None => format!("{} steps", short(steps)),
        }
    }

    fn hyperparameters(&mut self) {
        let phase = self.phase;
        let [_, momentum] = phase.momentum;
        if let Some(twin) = phase.twin.filter(|twin| !twin.real_roots) {
            let sentence = format!(
                "{}: the intrinsic rate ηλ = {} is above the stability bound (1−√γ)² = {}: from an empty buffer weight decay alone \
                 makes the weights swing through 0, no equilibrium is predicted, and in the long run there is no twin without weight \
                 decay; lower η, λ or γ.",
                self.name(),
                short(phase.intrinsic_rate),
                short(twin.bound),
            );
            return self.say(AdviceKind::BeyondBound, Vec::new(), sentence);
        }
        let coarse = phase.intrinsic_rate / (1.0 - momentum);
        if coarse > COARSE && phase.constant {
            let sentence = format!(
                "{}: ηλ/(1−γ) = {} is not small, and what is said of norms, rotation and times is off by about that part; the twin is \
                 exact all the same.",
                self.name(),
                short(coarse),
            );
            self.say(AdviceKind::Coarse, Vec::new(), sentence);
        }
        if phase.constant && phase.intrinsic_rate == 0.0 && !never_decays(self.findings) {
            let sentence = format!(
                "{}: without weight decay, or at a rate of 0, there is no equilibrium: ‖w‖⁴ grows by the same amount every step, and \
                 the effective rate η/‖w‖² of a constant η falls for ever.",
                self.name(),
            );
            self.say(AdviceKind::NoDecay, Vec::new(), sentence);
        }
    }

    /// The series that stands for the phase: all weights, or else the only one.
    fn distance(&mut self) {
        let (Some(equilibrium), true) = (self.phase.equilibrium, self.phase.constant) else {
            return;
        };
        if self.phase.intrinsic_rate == 0.0 {
            return;
        }
        let finding = self.phase.norms.first();
        let known = finding.filter(|finding| finding.verdict == NormVerdict::Known);
        let away = known.and_then(|finding| Some((finding.ratio_end?, finding.ratio_end_error)));
        let sentence = match away {
            Some((ratio, error)) => {
                Some(self.measured_distance(equilibrium, ratio, error, finding))
            }
            None => self.unmeasured_distance(equilibrium),
        };
        if let Some((kind, sentence)) = sentence {
            self.say(kind, Vec::new(), sentence);
        }
        let drift = known.and_then(|finding| finding.noise_drift);
        if let Some(drift) = drift.filter(|drift| !(1.0 / DRIFT..DRIFT).contains(drift)) {
            let sentence = format!(
                "{}: the gradient noise σ² of its end is {} times that of its first half, so its equilibrium moves; what is said of \
                 its end is from where the noise no longer drifts.",
                self.name(),
                short(drift),
            );
            self.say(AdviceKind::Drift, Vec::new(), sentence);
        }
    }

    fn measured_distance(
        &self,
        equilibrium: EquilibriumOf,
        ratio: f64,
        error: Option<f64>,
        finding: Option<&NormFinding>,
    ) -> (AdviceKind, String) {
        let (name, lasts) = (self.name(), short(equilibrium.time_constants));
        let off = (ratio - 1.0).abs();
        let ends = format!(
            "{name} lasts {lasts} time constants of ‖w‖⁴ and ends with ‖w‖² {} times its equilibrium's",
            with_error(ratio, error),
        );
        if off <= EQUILIBRIUM_TOLERANCE {
            let sentence = format!(
                "{ends}: there only the product ηλ matters, (cη, λ/c) has the same effective rate."
            );
            return (AdviceKind::Reached, sentence);
        }
        if off <= 2.0 * error.unwrap_or(0.0) {
            let sentence =
                format!("{ends}, which may be there or not: the norms scatter too much to say.");
            return (AdviceKind::Uncertain, sentence);
        }
        let lacking = finding.and_then(|finding| finding.steps_lacking);
        let (side, factor) = if ratio > 1.0 {
            ("below", ratio)
        } else {
            ("above", 1.0 / ratio)
        };
        let mostly = if equilibrium.time_constants < HARDLY_MOVES {
            ": what changes in this phase is mostly the rate by itself, the norm has hardly had the time to follow"
        } else {
            ""
        };
        let sentence = format!(
            "{ends}; its effective rate and rotation are still {} times {side} those of its equilibrium{mostly}. It lacks {} to be \
             within 5 %, if the gradients stay as they are.",
            short(factor),
            self.time(lacking.unwrap_or(0.0)),
        );
        (AdviceKind::NotReached, sentence)
    }

    fn unmeasured_distance(&self, equilibrium: EquilibriumOf) -> Option<(AdviceKind, String)> {
        if equilibrium.time_constants >= ENOUGH_TIME_CONSTANTS {
            return None;
        }
        let sentence = format!(
            "{} lasts {} time constants of ‖w‖⁴ (one is {}): {} % of the distance from equilibrium that it starts with is left at its \
             end, whatever that is.",
            self.name(),
            short(equilibrium.time_constants),
            self.time(equilibrium.time_constant),
            short(100.0 * (-equilibrium.time_constants).exp()),
        );
        Some((AdviceKind::NotReached, sentence))
    }

    fn layers(&mut self) {
        let of = |verdict| {
            let layers = self
                .phase
                .norms
                .iter()
                .filter(move |finding| finding.verdict == verdict);
            layers
                .map(|finding| finding.layer.clone())
                .collect::<Vec<_>>()
        };
        let (fast, frozen) = (of(NormVerdict::FellTooFast), of(NormVerdict::Frozen));
        if !fast.is_empty() {
            let sentence = format!(
                "{}: the norm of {} falls faster than weight decay {} makes it. Either the gradient pulls it in, which it does not \
                 where a normalisation follows whose ε is nothing beside its variance; or its weight decay is larger than logged.",
                self.name(),
                list(&fast),
                short(self.phase.weight_decay[1]),
            );
            self.say(AdviceKind::FellTooFast, fast, sentence);
        }
        if !frozen.is_empty() {
            let sentence = format!(
                "{}: the norm of {} does not move at all: is it trained?",
                self.name(),
                list(&frozen)
            );
            self.say(AdviceKind::Frozen, frozen, sentence);
        }
        let apart = self.apart();
        if let Some((middle, layers)) = apart.filter(|(_, layers)| !layers.is_empty()) {
            let sentence = format!(
                "{}: the layer in the middle ends at {} times its equilibrium ‖w‖², and {}: is it followed by a normalisation, and does \
                 it have the logged weight decay? If not, leave it out of `all` by naming the others' columns.",
                self.name(),
                short(middle),
                list(
                    &layers
                        .iter()
                        .map(|(name, ratio)| format!("{name} at {}", short(*ratio)))
                        .collect::<Vec<_>>()
                ),
            );
            self.say(
                AdviceKind::Apart,
                layers.into_iter().map(|(name, _)| name).collect(),
                sentence,
            );
        }
    }

    /// The ratio of the layer in the middle, and layers far from it by more than their errors.
    fn apart(&self) -> Option<(f64, Vec<(String, f64)>)> {
        let layers = self
            .phase
            .norms
            .iter()
            .filter(|finding| finding.layer != crate::log::ALL);
        let ratios: Vec<(&String, f64, f64)> = layers
            .filter_map(|finding| {
                Some((&finding.layer, finding.ratio_end?, finding.ratio_end_error?))
            })
            .collect();
        if ratios.len() < LAYERS_FOR_MIDDLE || !self.phase.constant {
            return None;
        }
        let mut sorted: Vec<f64> = ratios.iter().map(|(_, ratio, _)| *ratio).collect();
        sorted.sort_by(f64::total_cmp);
        let middle = *sorted.get(sorted.len() / 2)?;
        let stands_out = |ratio: f64, error: f64| {
            let (low, high) = (ratio - 2.0 * error, ratio + 2.0 * error);
            low > APART * middle || high < middle / APART
        };
        let layers = ratios
            .into_iter()
            .filter(|(_, ratio, error)| stands_out(*ratio, *error));
        Some((
            middle,
            layers
                .map(|(name, ratio, _)| (name.clone(), ratio))
                .collect(),
        ))
    }
}

fn list(names: &[String]) -> String {
    let shown: Vec<&str> = names.iter().take(MOST_NAMED).map(String::as_str).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
