//! What a run leaves behind: one manifest, and one line of JSON for each record.
//!
//! A run folder holds `experiment.toml` (as run), `manifest.json` ([`Manifest`]), `records.jsonl` ([`Record`], one a
//! line, in the order they were made) and `sittings.json` (a list of [`Sitting`]s). All but the last depend on nothing
//! but the experiment, its data and the arithmetic of the machine: a run that is stopped and resumed leaves the same
//! bytes as one that is not.

use serde::{Deserialize, Serialize};

/// Everything that is known before the first step, whenever and wherever that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Name of the experiment, as in its TOML.
    pub experiment: String,
    /// One sentence for people.
    pub title: String,
    /// Preset applied to the TOML, if any.
    pub preset: Option<String>,
    /// SHA-256 of `experiment.toml`, in hexadecimal.
    pub experiment_sha256: String,
    /// Seed of the initial parameters.
    pub initial_seed: u64,
    /// Seed of shuffling, crops and flips.
    pub batch_seed: u64,
    /// The images.
    pub data: DataRecord,
    /// The network.
    pub network: NetworkRecord,
    /// Images in a step.
    pub batch_size: usize,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Steps in all.
    pub steps: u64,
    /// Steps at which the recipe's rate changes by a jump.
    pub milestones: Vec<u64>,
    /// The runs, in the order of their index in [`Record`].
    pub runs: Vec<RunRecord>,
}

/// One stretch of training without a break: the first one, and another for each time that the run was resumed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sitting {
    /// Version of this software.
    pub version: String,
    /// Git commit of the software, with `-dirty` if files differ from it; `None` outside a checkout.
    pub commit: Option<String>,
    /// Command that started it: the first sitting's makes the whole run again.
    pub command: String,
    /// When it started, RFC 3339, UTC.
    pub started: String,
    /// Engine, precision, hardware, threads.
    pub device: String,
    /// Steps that were done when it started.
    pub from_step: u64,
    /// Steps that were done when the run was last saved in it.
    pub to_step: u64,
    /// Wall-clock time of training and evaluation until then, seconds.
    pub seconds: f64,
    /// Whether it ended because no run had a finite loss any more.
    #[serde(default)]
    pub diverged: bool,
}

/// Where the images came from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataRecord {
    /// One sentence: which set, and from where.
    pub source: String,
    /// Number of training images.
    pub train_images: usize,
    /// Number of test images.
    pub test_images: usize,
    /// SHA-256 of all pixels and labels used, training then test, in hexadecimal.
    pub sha256: String,
}

/// The network that all runs train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// Such as "PreResNet-8, width 16".
    pub name: String,
    /// Number of trained values.
    pub trained_parameters: usize,
    /// Multiply-adds of one image's forward pass.
    pub multiply_adds: usize,
    /// Names of the trained parameter tensors: the order of every list in [`Record::Norms`].
    pub layers: Vec<String>,
}

/// One run of the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Name in the TOML.
    pub name: String,
    /// For legends.
    pub label: String,
    /// What was done to the recipe: as `trainer` calls it, such as "original" or "wd-free".
    pub transform: String,
    /// What its recipe is for: "sgd", "sgdw" or "adamw".
    #[serde(default = "sgd")]
    pub optimiser: String,
    /// Index of the run that this one is compared with.
    pub twin: Option<usize>,
}

/// One line of `records.jsonl`. `run` is an index into [`Manifest::runs`]; steps count from 0;
/// numbers that are not finite are written as `null` and read as NaN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Record {
    /// Every step, before its update.
    Step {
        /// The run.
        run: usize,
        /// The step.
        step: u64,
        /// Mean cross-entropy of the batch, nats.
        #[serde(with = "finite_or_null")]
        loss: f64,
        /// Natural logarithm of the learning rate at the run's own scale, whatever it is held at; `null` for a rate
        /// of 0.
        #[serde(with = "finite_or_null")]
        ln_rate: f64,
    },
    /// Every n steps, before the update.
    Norms {
        /// The run.
        run: usize,
        /// The step.
        step: u64,
        /// `‖w‖₂` of each layer at the run's own scale; `null` where that leaves float64.
        #[serde(with = "finite_list")]
        norms: Vec<f64>,
        /// Effective rate of each layer, which no change of scale changes: `η/‖w‖₂²`, or `η/‖w‖₂` of AdamW.
        #[serde(with = "finite_list")]
        effective_rates: Vec<f64>,
        /// `‖w/‖w‖ − v/‖v‖‖₂` between each layer's weights and its twin's: 0 for the same direction, √2 for a right angle,
        /// 2 for opposite ones. Empty without a twin.
        #[serde(with = "finite_list")]
        distances: Vec<f64>,
    },
    /// After some epochs, for a run without weight decay that follows the exact law: its state is set to its twin's, mapped by the
    /// law; both make one step; and its state is compared with the twin's, mapped again. Then both are set back.
    Law {
        /// The run.
        run: usize,
        /// Steps finished.
        step: u64,
        /// `‖found − expected‖₂/‖expected‖₂` of the parameters, in the tensor where it is largest.
        #[serde(with = "finite_or_null")]
        parameters: f64,
        /// The same of what the optimiser keeps of gradients: momentum buffers or moments.
        #[serde(with = "finite_or_null")]
        buffers: f64,
        /// The same of the running means and variances.
        #[serde(with = "finite_or_null")]
        statistics: f64,
        /// The same of the loss.
        #[serde(with = "finite_or_null")]
        loss: f64,
    },
    /// After every epoch.
    Epoch {
        /// The run.
        run: usize,
        /// Epochs finished, from 1.
        epoch: u64,
        /// Steps finished.
        step: u64,
        /// Mean training loss over the epoch's images, each in its step, nats.
        #[serde(with = "finite_or_null")]
        train_loss: f64,
        /// Training accuracy over the epoch's images, each in its step, 0 to 1.
        train_accuracy: f64,
        /// Loss on the test images, nats.
        #[serde(with = "finite_or_null")]
        test_loss: f64,
        /// Accuracy on the test images, 0 to 1.
        test_accuracy: f64,
    },
    /// The last line of a complete run.
    Finished {
        /// Steps finished.
        steps: u64,
    },
}

impl RunRecord {
    /// The power of the norm in the effective rate, `η/‖w‖^p`, which no change of scale changes: 2, or 1 of AdamW, whose
    /// updates do not depend on the gradients' length.
    pub fn norm_power(&self) -> i32 {
        match self.optimiser.as_str() {
            "adamw" => 1,
            _ => 2,
        }
    }
}

/// What all runs were trained by before there was a choice.
fn sgd() -> String {
    "sgd".to_owned()
}

/// A number that may not be finite, which JSON cannot hold.
mod finite_or_null {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        value.is_finite().then_some(*value).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        Ok(Option::deserialize(deserializer)?.unwrap_or(f64::NAN))
    }
}

/// A list of such numbers.
mod finite_list {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        values: &[f64],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            values
                .iter()
                .map(|value| value.is_finite().then_some(*value)),
        )
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<f64>, D::Error> {
        let values: Vec<Option<f64>> = Deserialize::deserialize(deserializer)?;
        Ok(values
            .into_iter()
            .map(|value| value.unwrap_or(f64::NAN))
            .collect())
    }
}
