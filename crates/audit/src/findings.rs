//! What an audit finds: the keys of its JSON.

use serde::Serialize;

use crate::noise::GradientNoise;
use crate::twin::{PhaseTwin, Twin};

/// Everything that a log says. As JSON, what is not finite or not known is null; angles are in radians.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Findings {
    /// Number of logged steps.
    pub rows: usize,
    /// The first logged step.
    pub first_step: u64,
    /// One past the last logged step.
    pub end_step: u64,
    /// As given.
    pub steps_per_epoch: Option<u64>,
    /// Stretches of constant hyperparameters, and the pieces of what is between them.
    pub phases: Vec<Phase>,
    /// The twin without weight decay.
    pub twin: Twin,
    /// What follows, in sentences.
    pub advice: Vec<Advice>,
}

/// A stretch of steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Phase {
    /// Its first step.
    pub start: u64,
    /// One past its last.
    pub end: u64,
    /// Whether hyperparameters are constant in it.
    pub constant: bool,
    /// `η` at its first step and at its last.
    pub learning_rate: [f64; 2],
    /// `λ`, so too.
    pub weight_decay: [f64; 2],
    /// `γ`, so too.
    pub momentum: [f64; 2],
    /// `ηλ` at its last step.
    pub intrinsic_rate: f64,
    /// What the hyperparameters of its last step tend to.
    pub equilibrium: Option<EquilibriumOf>,
    /// Its twin.
    pub twin: Option<PhaseTwin>,
    /// What norms say: all weights first, where known, then layers.
    pub norms: Vec<NormFinding>,
}

/// What follows from hyperparameters alone; null where `λη` is beyond its bound.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct EquilibriumOf {
    /// `√(2ηλ/(1+γ))`: the angle of a step in equilibrium.
    pub rotation_per_step: f64,
    /// `(1−γ)/(4ηλ)`: the steps in which the distance of `‖w‖⁴` from its equilibrium falls by e; null without weight decay.
    pub time_constant: f64,
    /// How many of these the phase lasts: `∫ 4ηλ/(1−γ)` over its steps.
    pub time_constants: f64,
}

/// What the norms of one series say of a phase.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NormFinding {
    /// The layer, or `all`.
    pub layer: String,
    /// Measurements in the phase, that at its end included.
    pub measurements: usize,
    /// `ln ‖w‖²` where it was first measured in the phase.
    pub ln_squared_norm_start: f64,
    /// And last.
    pub ln_squared_norm_end: f64,
    /// `η/‖w‖²` with the phase's last rate and norm.
    pub effective_rate: f64,
    /// What the next fields are worth.
    pub verdict: NormVerdict,
    /// `σ²` over the phase; where it drifts by more than its error, over the last half, quarter and so on in which it does not.
    pub gradient_noise: Option<GradientNoise>,
    /// `ln ‖w‖²` of the equilibrium of the phase's last hyperparameters.
    pub ln_squared_norm_equilibrium: Option<f64>,
    /// `‖w‖²` over its equilibrium where the phase starts; the equilibrium's rotation and effective rate are this times
    /// those of the weights.
    pub ratio_start: Option<f64>,
    /// And where it ends.
    pub ratio_end: Option<f64>,
    /// Standard error of the ratio at the end, from that of `σ²`.
    pub ratio_end_error: Option<f64>,
    /// `ln ‖w‖⁴` less that of its equilibrium, at the end.
    pub distance: Option<f64>,
    /// The angle by which a step turns the weights at the end, root mean square, `ησ/(‖w‖²√(1−γ²))`.
    pub rotation_per_step: Option<f64>,
    /// Steps after the phase's end, at its last hyperparameters, until `‖w‖²` is within 5 % of its equilibrium.
    pub steps_lacking: Option<f64>,
    /// The same in epochs.
    pub epochs_lacking: Option<f64>,
    /// Root mean square of `ln(predicted ‖w‖²/measured)`, predicted from the first measurement and one `σ²` for the
    /// phase; null for fewer than 4 intervals.
    pub prediction_error: Option<f64>,
    /// `ln ‖w‖²` at the end, predicted from its first measurement and the `σ²` of the last phase
    /// before in which it is known.
    pub ln_squared_norm_forecast: Option<f64>,
    /// That `σ²` over that of the phase's first half, where it drifts.
    pub noise_drift: Option<f64>,
}

/// What a norm's way allows to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NormVerdict {
    /// The equilibrium is known.
    Known,
    /// The noise is known; without weight decay, or at a rate of 0, there is no equilibrium.
    NoEquilibrium,
    /// Too few measurements, or the noise is within twice its error of 0.
    NotDetermined,
    /// The norm fell faster than weight decay can make it.
    FellTooFast,
    /// The norm is the same at all measurements, to the last bit.
    Frozen,
    /// `λη` is beyond its bound, and the formulas do not hold.
    BeyondBound,
}

/// A sentence, and what it is about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    /// What kind it is.
    pub kind: AdviceKind,
    /// Index of the phase that it is about.
    pub phase: Option<usize>,
    /// The layers that it is about.
    pub layers: Vec<String>,
    /// The sentence.
    pub sentence: String,
}

/// Kinds of advice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AdviceKind {
    /// A phase too short for its equilibrium.
    NotReached,
    /// A phase that ends in equilibrium.
    Reached,
    /// A phase whose equilibrium is not known well enough to say.
    Uncertain,
    /// `λη` beyond `(1−√γ)²`.
    BeyondBound,
    /// First-order formulas are off.
    Coarse,
    /// No weight decay.
    NoDecay,
    /// Layers whose norms fall too fast.
    FellTooFast,
    /// Layers whose norms do not move.
    Frozen,
    /// Layers apart from the others.
    Apart,
    /// Gradients that change within a phase.
    Drift,
    /// The twin beyond float32, or that ends.
    Twin,
    /// What the log lacks.
    Log,
}
