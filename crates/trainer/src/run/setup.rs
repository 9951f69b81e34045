//! An experiment on an engine, before its first step, and its way to the last.

use std::path::Path;
use std::sync::Arc;

use datasets::Dataset;
use nn_engine::{Engine, Split, State};
use run_records::{Manifest, Record, Sitting};

use super::checkpoint::{Checkpoint, Checkpoints};
use super::engine::build_engine;
use super::training::Training;
use super::{Event, Finished, Folder, Observer, RunOptions, Unusable, manifest, take_images};
use crate::TrainerError;
use crate::experiment::{Experiment, Prepared, Start};
use crate::lockstep::one_ulp_away;

/// What the seed of a control differs by.
const OTHER_SEED: u64 = 1 << 40;

/// An experiment whose engine is made and holds its images.
pub(super) struct Setup<'a> {
    experiment: &'a Experiment,
    prepared: Prepared,
    engine: Box<dyn Engine>,
    /// What most runs start from.
    pub(super) start: State,
    /// The experiment as TOML.
    pub(super) text: String,
    pub(super) manifest: Manifest,
}

impl<'a> Setup<'a> {
    pub(super) fn new(
        experiment: &'a Experiment,
        dataset: Dataset,
        preset: Option<&str>,
        options: &RunOptions,
    ) -> Result<Self, TrainerError> {
        let prepared = experiment.prepare()?;
        let dataset = take_images(experiment, dataset)?;
        let text = as_text(&experiment.as_run())?;
        let mut engine = build_engine(experiment, &prepared, options.device, options.threads)?;
        let manifest = manifest::describe(experiment, &text, &prepared, &dataset, preset);
        engine.load_images(Split::Train, Arc::new(dataset.train))?;
        engine.load_images(Split::Test, Arc::new(dataset.test))?;
        let start = initial(&prepared, experiment.training.initial_seed);
        Ok(Self {
            experiment,
            prepared,
            engine,
            start,
            text,
            manifest,
        })
    }

    /// The checkpoints of a run folder.
    pub(super) fn checkpoints(&self, run_folder: &Path, manifest: &Manifest) -> Checkpoints {
        Checkpoints::within(run_folder, manifest, self.engine.device().precision)
    }

    /// A sitting that starts now.
    pub(super) fn sitting(&self, options: &RunOptions, from_step: u64) -> Sitting {
        Sitting {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: options.commit.clone(),
            command: options.command.clone(),
            started: options.started.clone(),
            device: self.engine.device().to_string(),
            from_step,
            to_step: from_step,
            seconds: 0.0,
            diverged: false,
        }
    }

    /// What a run starts from, if it is not the usual.
    fn start_of(&self, start: Start) -> Option<State> {
        let prepared = &self.prepared;
        let seed = self.experiment.training.initial_seed;
        match start {
            Start::Usual => None,
            Start::OneUlpAway => {
                let precision = self.experiment.training.precision.numbers();
                let (graph, symmetry) = (&prepared.graph, &prepared.symmetry);
                Some(one_ulp_away(graph, symmetry, &self.start, precision, seed))
            }
            // Far from the seeds 1, 2, 3, … that people give.
            Start::OtherSeed => Some(initial(prepared, seed ^ OTHER_SEED)),
        }
    }

    /// From the first step, or from a checkpoint, to the last.
    pub(super) fn train(
        mut self,
        mut folder: Folder,
        checkpoint: Option<Checkpoint>,
        unusable: &[Unusable],
        observer: &mut dyn Observer,
    ) -> Result<Finished, TrainerError> {
        let starts = self
            .experiment
            .run
            .iter()
            .map(|run| self.start_of(run.start));
        for (replica, start) in starts.collect::<Vec<_>>().into_iter().enumerate() {
            self.engine
                .load_state(replica, start.as_ref().unwrap_or(&self.start))?;
        }
        let device = self.engine.device().to_string();
        let mut training = Training::new(self.engine.as_mut(), self.experiment, &self.prepared)?;
        if let Some(checkpoint) = checkpoint {
            training.resume(checkpoint)?;
        }
        observer.event(&Event::Started {
            folder: folder.path(),
            manifest: &self.manifest,
            device: &device,
            from_step: training.steps(),
            unusable,
        });
        let trained = all_epochs(&mut training, &mut folder, observer);
        let steps = self.manifest.steps;
        let last_epoch = match trained {
            Err(TrainerError::Engine(source)) => {
                // What is flushed is a kindness; what the engine says must not be lost.
                let _ = folder.flush();
                return Err(TrainerError::Stopped {
                    step: training.steps(),
                    steps,
                    saved: folder.saved(),
                    folder: folder.path().to_owned(),
                    source,
                });
            }
            Err(error @ TrainerError::Diverged { .. }) => {
                folder.end_diverged(&training.checkpoint()?)?;
                return Err(error);
            }
            trained => trained?,
        };
        let finished = Finished {
            folder: folder.path().to_owned(),
            manifest: self.manifest,
            last_epoch,
            seconds: folder.seconds(),
        };
        observer.event(&Event::Finished(&finished));
        Ok(finished)
    }
}

/// Where a run starts that nothing else is said of.
fn initial(prepared: &Prepared, seed: u64) -> State {
    let Prepared {
        graph, optimiser, ..
    } = prepared;
    State::initial(graph, seed).with_optimiser(graph, *optimiser)
}

/// The experiment as TOML, which reads back as the same experiment.
fn as_text(experiment: &Experiment) -> Result<String, TrainerError> {
    let format = |reason| TrainerError::Format {
        what: "experiment.toml",
        reason,
    };
    let text = experiment
        .to_toml()
        .map_err(|error| format(error.to_string()))?;
    match Experiment::parse(&text, "experiment.toml", None) {
        Ok(again) if again == *experiment => Ok(text),
        Ok(_) => Err(format("as TOML it would be another experiment".to_owned())),
        Err(error) => Err(format(error.to_string())),
    }
}

/// Trains, and gives back the records of the last epoch.
fn all_epochs(
    training: &mut Training<'_>,
    folder: &mut Folder,
    observer: &mut dyn Observer,
) -> Result<Vec<Record>, TrainerError> {
    let mut last_epoch = Vec::new();
    for epoch in training.epochs() {
        last_epoch = training.epoch(epoch, folder, observer)?;
    }
    folder.record(&Record::Finished {
        steps: training.steps(),
    })?;
    folder.save(&training.checkpoint()?)?;
    Ok(last_epoch)
}
