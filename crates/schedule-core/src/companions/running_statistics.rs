//! Running statistics of normalisers in a run whose parameters change scale.

/// What a normaliser's running mean and variance are multiplied by between two steps of the run
/// without weight decay.
///
/// Running statistics average over steps of different scale, so they are part of the state that is
/// converted. If the normaliser's input is homogeneous of degree `x` in the parameters, a step with
/// shrink `a` asks for
/// ```text
/// mean ← mean · a⁻ˣ        variance ← variance · a⁻²ˣ
/// ```
/// before the next update of the statistics, and before the parameters after that step are evaluated
/// (on a copy then, or not again before the next update).
///
/// ```
/// use schedule_core::companions::RunningStatisticsCorrection;
///
/// let correction = RunningStatisticsCorrection::new(0.5f64.ln(), 2.0);
/// let (mut mean, mut variance) = (3.0, 1.0);
/// correction.apply(&mut mean, &mut variance);
/// assert!((mean - 12.0).abs() < 1e-14 && (variance - 16.0).abs() < 1e-14);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RunningStatisticsCorrection {
    /// `a⁻ˣ`.
    pub mean: f64,
    /// `a⁻²ˣ`.
    pub variance: f64,
}

impl RunningStatisticsCorrection {
    /// The correction for a step with `ln a = ln_shrink` and input degree `x`; of several steps,
    /// with the sum of their `ln a`.
    #[must_use]
    pub fn new(ln_shrink: f64, input_degree: f64) -> Self {
        let exponent = -input_degree * ln_shrink;
        Self {
            mean: exponent.exp(),
            variance: (2.0 * exponent).exp(),
        }
    }

    /// Corrects the statistics of one channel.
    pub fn apply(&self, mean: &mut f64, variance: &mut f64) {
        *mean *= self.mean;
        *variance *= self.variance;
    }
}
