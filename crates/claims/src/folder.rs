//! A run folder as evidence.

use run_records::{Ending, EpochPoint, LawPoint, NormPoint, Run, RunFolder, StepPoint};

use crate::{Evidence, Series};

/// The quantities of every run in a run folder, over epochs; of `gap`, `median-gap` and `law`, only in a run with a twin.
///
/// | quantity | is | measured |
/// | --- | --- | --- |
/// | `loss` | mean cross-entropy of a batch, nats | before every step |
/// | `ln-rate` | `ln η` | before every step |
/// | `ln-norm-squared` | `ln ‖w‖²`, all layers' values as one vector | before some steps |
/// | `ln-norm-squared-over-rate` | `ln(‖w‖²/η)`, of AdamW `ln(‖w‖/η)`: minus the logarithm of the effective rate | before some steps |
/// | `gap` | how far the weights' direction is from the twin's, `‖w/‖w‖ − v/‖v‖‖₂`: from 0 to 2, √2 at a right angle; in the layer where it is largest | before some steps |
/// | `median-gap` | the same in the middle layer | before some steps |
/// | `law` | how far a step from equal states is from the exact law: the [largest deviation](run_records::LawPoint::largest) | after some epochs |
/// | `train-loss` | mean cross-entropy of an epoch's images, each in its step, nats | after every epoch |
/// | `train-accuracy` | accuracy on them, from 0 to 1 | after every epoch |
/// | `test-loss` | mean cross-entropy of the test images, nats | after every epoch |
/// | `test-accuracy` | accuracy on them, from 0 to 1 | after every epoch |
///
/// Before step `s`, of which an epoch has `n`, is at `x = s/n`; so what stands after epoch `e` and what stands before the step
/// that follows it are both at `x = e`. Where a rate is 0, what would need its logarithm is no point of the series; where a
/// loss is not finite, accuracy counts for nothing.
pub const QUANTITIES: [&str; 11] = [
    "loss",
    "ln-rate",
    "ln-norm-squared",
    "ln-norm-squared-over-rate",
    "gap",
    "median-gap",
    "law",
    "train-loss",
    "train-accuracy",
    "test-loss",
    "test-accuracy",
];

impl Evidence for RunFolder {
    fn series(&self, name: &str) -> Option<Series> {
        let (run, quantity) = name.rsplit_once('/')?;
        let run = self.runs.iter().find(|other| other.record.name == run)?;
        let columns = Columns {
            run,
            steps_per_epoch: self.steps_per_epoch(),
        };
        Some(Series {
            points: columns.points(quantity)?,
        })
    }

    fn names(&self) -> Vec<String> {
        let of_run = |run: &Run| {
            let pairs = |quantity: &str| quantity.ends_with("gap") || quantity == "law";
            let has = |quantity: &&str| run.record.twin.is_some() || !pairs(quantity);
            let quantities = QUANTITIES.into_iter().filter(has);
            let names = quantities.map(|quantity| format!("{}/{quantity}", run.record.name));
            names.collect::<Vec<_>>()
        };
        self.runs.iter().flat_map(of_run).collect()
    }

    fn seed(&self) -> Option<String> {
        let (initial, batch) = (self.manifest.initial_seed, self.manifest.batch_seed);
        Some(format!("initial seed {initial}, batch seed {batch}"))
    }

    fn stopped(&self) -> Option<String> {
        let (step, steps) = (self.recorded_steps(), self.manifest.steps);
        let unfinished = matches!(self.ending, Ending::Unfinished { .. });
        unfinished.then(|| format!("after step {step} of {steps}"))
    }
}

/// One run's records, as points.
struct Columns<'a> {
    run: &'a Run,
    steps_per_epoch: f64,
}

impl Columns<'_> {
    fn points(&self, quantity: &str) -> Option<Vec<(f64, f64)>> {
        let twin = self.run.record.twin;
        Some(match quantity {
            "loss" => self.of_steps(|step| Some(step.loss)),
            "ln-rate" => self.of_steps(|step| Some(step.ln_rate).filter(|rate| rate.is_finite())),
            "ln-norm-squared" => {
                self.of_norms(|norms| self.unless_left_out(norms, norms.ln_norm_squared))
            }
            "ln-norm-squared-over-rate" => {
                self.of_norms(|norms| self.unless_left_out(norms, norms.ln_norm_squared_over_rate))
            }
            "gap" if twin.is_some() => self.of_norms(|norms| Some(norms.worst_gap)),
            "law" if twin.is_some() => self.of_laws(),
            "median-gap" if twin.is_some() => self.of_norms(|norms| Some(norms.median_gap)),
            "train-loss" => self.of_epochs(|epoch| epoch.train_loss),
            "train-accuracy" => {
                self.of_epochs(|epoch| of_finite(epoch.train_loss, epoch.train_accuracy))
            }
            "test-loss" => self.of_epochs(|epoch| epoch.test_loss),
            "test-accuracy" => {
                self.of_epochs(|epoch| of_finite(epoch.test_loss, epoch.test_accuracy))
            }
            _ => return None,
        })
    }

    fn of_steps(&self, y: impl Fn(&StepPoint) -> Option<f64>) -> Vec<(f64, f64)> {
        let point = |step: &StepPoint| Some((step.step as f64 / self.steps_per_epoch, y(step)?));
        self.run.steps.iter().filter_map(point).collect()
    }

    fn of_norms(&self, y: impl Fn(&NormPoint) -> Option<f64>) -> Vec<(f64, f64)> {
        let point = |norms: &NormPoint| Some((norms.step as f64 / self.steps_per_epoch, y(norms)?));
        self.run.norms.iter().filter_map(point).collect()
    }

    fn of_laws(&self) -> Vec<(f64, f64)> {
        let point = |law: &LawPoint| (law.step as f64 / self.steps_per_epoch, law.largest());
        self.run.laws.iter().map(point).collect()
    }

    fn of_epochs(&self, y: impl Fn(&EpochPoint) -> f64) -> Vec<(f64, f64)> {
        let point = |epoch: &EpochPoint| (epoch.epoch as f64, y(epoch));
        self.run.epochs.iter().map(point).collect()
    }

    /// Without a number, weights had diverged if the loss had, and else a rate of 0 has no logarithm.
    fn unless_left_out(&self, norms: &NormPoint, y: f64) -> Option<f64> {
        let trained_on = self
            .run
            .step(norms.step)
            .is_some_and(|step| step.loss.is_finite());
        (y.is_finite() || !trained_on).then_some(y)
    }
}

fn of_finite(loss: f64, accuracy: f64) -> f64 {
    if loss.is_finite() { accuracy } else { f64::NAN }
}
