//! The records of one run as columns over steps.

use crate::RunRecord;

/// One run of the experiment with everything it recorded. Steps never decrease.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name, label and transform.
    pub record: RunRecord,
    /// Every step.
    pub steps: Vec<StepPoint>,
    /// Every so many steps.
    pub norms: Vec<NormPoint>,
    /// Every epoch.
    pub epochs: Vec<EpochPoint>,
    /// Every so many epochs, where that was asked for.
    pub laws: Vec<LawPoint>,
}

/// One step. NaN where nothing finite was recorded.
#[derive(Clone, Copy, Debug)]
pub struct StepPoint {
    /// The step, from 0.
    pub step: u64,
    /// Mean cross-entropy of the batch before the update, nats.
    pub loss: f64,
    /// `ln η` at the run's own scale.
    pub ln_rate: f64,
}

/// The weights at one step, all layers together. NaN where nothing finite was recorded.
#[derive(Clone, Copy, Debug)]
pub struct NormPoint {
    /// The step, before whose update they are measured.
    pub step: u64,
    /// `ln ‖w‖²`, of all layers' values as one vector.
    pub ln_norm_squared: f64,
    /// `ln(‖w‖²/η)`, of AdamW `ln(‖w‖/η)`: minus the logarithm of the effective rate, of all layers' values as one vector.
    pub ln_norm_squared_over_rate: f64,
    /// How far the direction of the weights is from the twin's, `‖w/‖w‖ − v/‖v‖‖₂`, in the layer where it is largest.
    pub worst_gap: f64,
    /// The same in the middle layer when layers are sorted by it.
    pub median_gap: f64,
}

/// How far one step from equal states is from the law: relative deviations, see [`Record::Law`](crate::Record::Law).
#[derive(Clone, Copy, Debug)]
pub struct LawPoint {
    /// Steps finished.
    pub step: u64,
    /// Of the parameters.
    pub parameters: f64,
    /// Of what the optimiser keeps of gradients: momentum buffers or moments.
    pub buffers: f64,
    /// Of the running means and variances.
    pub statistics: f64,
    /// Of the loss.
    pub loss: f64,
}

/// One epoch: losses in nats, accuracies from 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct EpochPoint {
    /// Epochs finished, from 1.
    pub epoch: u64,
    /// Steps finished.
    pub step: u64,
    /// Mean training loss over the epoch's images, each in its step.
    pub train_loss: f64,
    /// Training accuracy over the epoch's images, each in its step.
    pub train_accuracy: f64,
    /// Loss on the test images.
    pub test_loss: f64,
    /// Accuracy on the test images.
    pub test_accuracy: f64,
}

impl NormPoint {
    /// From the lists of one record, whose effective rates are `η/‖w‖^power` of each layer. Everything stays a logarithm:
    /// rates and norms of a run without weight decay leave the range of floats.
    pub fn new(
        step: u64,
        power: i32,
        norms: &[f64],
        effective_rates: &[f64],
        distances: &[f64],
    ) -> Self {
        let (worst_gap, median_gap) = gaps(distances);
        let half_power = f64::from(power) / 2.0;
        Self {
            step,
            ln_norm_squared: ln_sum_exp(norms.iter().map(|norm| 2.0 * norm.ln())),
            // Squares add up over layers.
            ln_norm_squared_over_rate: ln_sum_exp(
                effective_rates.iter().map(|rate| -rate.ln() / half_power),
            ) * half_power,
            worst_gap,
            median_gap,
        }
    }
}

impl LawPoint {
    /// The largest of the deviations; NaN if one is no number, which is larger than any.
    pub fn largest(&self) -> f64 {
        let parts = [self.parameters, self.buffers, self.statistics, self.loss];
        match parts.iter().all(|part| part.is_finite()) {
            true => parts.into_iter().fold(0.0, f64::max),
            false => f64::NAN,
        }
    }
}

impl Run {
    /// A run without records.
    pub fn new(record: RunRecord) -> Self {
        Self {
            record,
            steps: Vec::new(),
            norms: Vec::new(),
            epochs: Vec::new(),
            laws: Vec::new(),
        }
    }

    /// The point of a step, if that step was recorded.
    pub fn step(&self, step: u64) -> Option<&StepPoint> {
        let index = self
            .steps
            .binary_search_by_key(&step, |point| point.step)
            .ok()?;
        self.steps.get(index)
    }

    /// The norms at a step, if they were recorded there.
    pub fn norm(&self, step: u64) -> Option<&NormPoint> {
        let index = self
            .norms
            .binary_search_by_key(&step, |point| point.step)
            .ok()?;
        self.norms.get(index)
    }

    /// Of `‖w‖²` and `‖w‖²/η` (of AdamW `‖w‖/η`), each can be had from the other and the rate, where it was itself too
    /// large or too small for a float and so recorded as nothing.
    pub fn complete_norms(&mut self) {
        let half_power = f64::from(self.record.norm_power()) / 2.0;
        let mut norms = std::mem::take(&mut self.norms);
        for point in &mut norms {
            let Some(ln_rate) = self.step(point.step).map(|step| step.ln_rate) else {
                continue;
            };
            if point.ln_norm_squared.is_nan() {
                point.ln_norm_squared = (point.ln_norm_squared_over_rate + ln_rate) / half_power;
            } else if point.ln_norm_squared_over_rate.is_nan() {
                point.ln_norm_squared_over_rate = half_power * point.ln_norm_squared - ln_rate;
            }
        }
        self.norms = norms;
    }
}

/// Largest and median distance; NaN if there is none, or one is no number.
fn gaps(distances: &[f64]) -> (f64, f64) {
    if !distances.iter().all(|gap| gap.is_finite()) {
        return (f64::NAN, f64::NAN);
    }
    let mut gaps = distances.to_vec();
    gaps.sort_by(f64::total_cmp);
    let median = gaps.get(gaps.len() / 2).copied().unwrap_or(f64::NAN);
    (gaps.last().copied().unwrap_or(f64::NAN), median)
}

/// `ln Σ exp(x)` without overflow; NaN if there is no value or one is not finite.
fn ln_sum_exp(logarithms: impl Iterator<Item = f64> + Clone) -> f64 {
    if !logarithms.clone().all(f64::is_finite) {
        return f64::NAN;
    }
    let Some(largest) = logarithms.clone().reduce(f64::max) else {
        return f64::NAN;
    };
    largest
        + logarithms
            .map(|value| (value - largest).exp())
            .sum::<f64>()
            .ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_add_up_over_layers() {
        let point = NormPoint::new(0, 2, &[3.0, 4.0], &[0.5, 0.25], &[0.0, 0.1, 0.05]);
        assert!((point.ln_norm_squared - 25f64.ln()).abs() < 1e-12);
        // ‖w‖²/η = 2 + 4: the reciprocals add up, not the rates.
        assert!((point.ln_norm_squared_over_rate - 6f64.ln()).abs() < 1e-12);
        assert_eq!((point.worst_gap, point.median_gap), (0.1, 0.05));
        // Of AdamW at η = 0.5: ‖w‖ = 5 of both, and 3 and 4 of each.
        let rates = [0.5 / 3.0, 0.5 / 4.0];
        let point = NormPoint::new(0, 1, &[3.0, 4.0], &rates, &[0.0, f64::NAN, 0.05]);
        assert!((point.ln_norm_squared_over_rate - 10f64.ln()).abs() < 1e-12);
        assert!(point.worst_gap.is_nan() && point.median_gap.is_nan());
    }

    #[test]
    fn a_deviation_that_is_no_number_is_the_largest() {
        let law = LawPoint {
            step: 1,
            parameters: 1e-7,
            buffers: 3e-7,
            statistics: 2e-7,
            loss: 0.0,
        };
        assert_eq!(law.largest(), 3e-7);
        let lost = LawPoint {
            statistics: f64::NAN,
            ..law
        };
        assert!(lost.largest().is_nan());
    }

    #[test]
    fn norms_whose_square_overflows_are_added_up_all_the_same() {
        let point = NormPoint::new(0, 2, &[1e300, 1e300], &[], &[]);
        let expected = 2.0 * 1e300f64.ln() + 2f64.ln();
        assert!((point.ln_norm_squared - expected).abs() < 1e-9);
        assert!(point.ln_norm_squared_over_rate.is_nan() && point.worst_gap.is_nan());
    }

    #[test]
    fn a_norm_beyond_floats_comes_from_the_effective_rate() {
        let record = RunRecord {
            name: String::new(),
            label: String::new(),
            transform: String::new(),
            optimiser: "sgd".to_owned(),
            twin: None,
        };
        let mut run = Run::new(record);
        run.steps.push(StepPoint {
            step: 7,
            loss: 1.0,
            ln_rate: 1500.0,
        });
        run.norms
            .push(NormPoint::new(7, 2, &[f64::NAN], &[0.5], &[]));
        run.norms
            .push(NormPoint::new(9, 2, &[f64::NAN], &[0.5], &[]));
        run.complete_norms();
        assert!((run.norms[0].ln_norm_squared - (1500.0 + 2f64.ln())).abs() < 1e-9);
        assert!(
            run.norms[1].ln_norm_squared.is_nan(),
            "no rate is known at step 9"
        );
        // Of AdamW that is ‖w‖/η.
        run.norms[0].ln_norm_squared = f64::NAN;
        run.record.optimiser = "adamw".to_owned();
        run.complete_norms();
        assert!((run.norms[0].ln_norm_squared - 2.0 * (1500.0 + 2f64.ln())).abs() < 1e-9);
    }

    #[test]
    fn a_layer_that_is_not_finite_makes_no_total() {
        assert!(
            NormPoint::new(0, 2, &[1.0, f64::NAN], &[0.0], &[])
                .ln_norm_squared
                .is_nan()
        );
        assert!(
            NormPoint::new(0, 2, &[], &[0.0], &[])
                .ln_norm_squared_over_rate
                .is_nan()
        );
    }
}
