//! The loop: chunks of steps, measurements between them, an evaluation after each epoch.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use datasets::Sampler;
use nn_engine::{BatchSpec, Batches, Engine, HyperTable, Optimiser, Split, StepStats};
use scale_invariance::SCALED_GROUP;

use super::checkpoint::{Checkpoint, Progress, Sums};
use super::{Event, Folder, Observer, law};
use crate::TrainerError;
use crate::experiment::{Experiment, Prepared, Start, Transform};
use crate::plan::{PlanError, PlannedStep, RunSchedule, Timeline};
use run_records::Record;

/// A chunk of steps is made about as long as this, so that progress is seen to move. Results and
/// records do not depend on how steps are divided into chunks.
const CHUNK: Duration = Duration::from_millis(500);

/// Largest number of steps in a chunk.
const LARGEST_CHUNK: u64 = 1024;

/// All runs, between two chunks of steps.
pub(super) struct Training<'a> {
    engine: &'a mut dyn Engine,
    timeline: Timeline,
    norms_every: u64,
    /// Epochs; 0 for never.
    law_every: u64,
    /// Whom the law is checked of.
    pairs: law::Pairs,
    sampler: Sampler,
    schedules: Vec<RunSchedule>,
    /// Of all runs.
    optimiser: Optimiser,
    /// The run that each is compared with.
    twins: Vec<Option<usize>>,
    /// Per parameter: its group if it is trained.
    groups: Vec<Option<usize>>,
    /// Number of groups.
    group_count: usize,
    /// Name of each run.
    names: Vec<String>,
    /// Of each run, the step from which on its loss is not finite.
    diverged: Vec<Option<u64>>,
    /// Of each run, the epoch so far.
    sums: Vec<Sums>,
    /// Steps done.
    step: u64,
    /// Steps in the next chunk.
    chunk: u64,
}

impl<'a> Training<'a> {
    pub(super) fn new(
        engine: &'a mut dyn Engine,
        experiment: &Experiment,
        prepared: &Prepared,
    ) -> Result<Self, TrainerError> {
        let runs = experiment.run.iter().enumerate();
        let schedules: Result<_, PlanError> = runs
            .map(|(index, run)| Ok(prepared.schedule(index, run.transform)?))
            .collect();
        let Prepared {
            graph, symmetry, ..
        } = prepared;
        let parameters = graph.parameters().iter().zip(&symmetry.group);
        Ok(Self {
            timeline: experiment.timeline(),
            norms_every: experiment.training.norms_every.max(1),
            law_every: experiment.training.law_every,
            pairs: pairs(experiment),
            sampler: experiment.sampler()?,
            schedules: schedules?,
            optimiser: prepared.optimiser,
            twins: (0..experiment.run.len())
                .map(|run| experiment.twin(run))
                .collect(),
            groups: parameters
                .map(|(parameter, &group)| parameter.trainable.then_some(group))
                .collect(),
            group_count: symmetry.groups(),
            names: experiment.run.iter().map(|run| run.name.clone()).collect(),
            diverged: vec![None; experiment.run.len()],
            sums: vec![Sums::default(); experiment.run.len()],
            step: 0,
            chunk: 1,
            engine,
        })
    }

    /// Goes on from a checkpoint.
    pub(super) fn resume(&mut self, checkpoint: Checkpoint) -> Result<(), TrainerError> {
        for (run, progress) in checkpoint.runs.into_iter().enumerate() {
            self.engine.load_state(run, &progress.state)?;
            self.diverged[run] = progress.diverged;
            self.sums[run] = progress.epoch;
        }
        // A schedule is a function of the step, and walking there costs less than storing its sums.
        for schedule in &mut self.schedules {
            for _ in 0..checkpoint.step {
                schedule.next_step()?;
            }
        }
        self.step = checkpoint.step;
        Ok(())
    }

    /// All that the steps to come depend on.
    pub(super) fn checkpoint(&self) -> Result<Checkpoint, TrainerError> {
        let progress = |run| {
            Ok(Progress {
                state: self.engine.state(run)?,
                diverged: self.diverged[run],
                epoch: self.sums[run],
            })
        };
        Ok(Checkpoint {
            step: self.step,
            runs: (0..self.schedules.len())
                .map(progress)
                .collect::<Result<_, TrainerError>>()?,
        })
    }

    /// Steps done.
    pub(super) fn steps(&self) -> u64 {
        self.step
    }

    /// Epochs to be done, counted from 1; the first may be done in part.
    pub(super) fn epochs(&self) -> RangeInclusive<u64> {
        self.step / self.timeline.steps_per_epoch + 1..=self.timeline.epochs
    }

    /// Trains and evaluates one epoch, counted from 1, and returns its records.
    pub(super) fn epoch(
        &mut self,
        epoch: u64,
        folder: &mut Folder,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Record>, TrainerError> {
        let end = epoch.saturating_mul(self.timeline.steps_per_epoch);
        while self.step < end {
            // Norms are measured between chunks, so none may reach beyond the next measurement.
            let next_norms = (self.step / self.norms_every + 1).saturating_mul(self.norms_every);
            let steps = self.chunk.min(end - self.step).min(next_norms - self.step);
            let before = self.diverged.clone();
            self.chunk(steps, folder)?;
            for (run, (before, now)) in before.iter().zip(&self.diverged).enumerate() {
                if let (None, &Some(step)) = (before, now) {
                    observer.event(&Event::Diverged { run, step });
                }
            }
            let losses: Vec<f64> = self.sums.iter().map(|sum| sum.last_loss).collect();
            observer.event(&Event::Stepped {
                steps: self.step,
                losses: &losses,
            });
            if self.step < end {
                self.pause(folder, observer)?;
            }
        }
        let records = self.evaluate(epoch)?;
        for record in records.iter().chain(&self.check_law(epoch)?) {
            folder.record(record)?;
        }
        folder.flush()?;
        observer.event(&Event::Epoch {
            epoch,
            records: &records,
        });
        let since: Option<Vec<u64>> = self.diverged.iter().copied().collect();
        if let Some(since) = since {
            return Err(TrainerError::Diverged {
                epoch,
                runs: self.names.iter().cloned().zip(since).collect(),
                folder: folder.path().to_owned(),
            });
        }
        self.sums.fill(Sums::default());
        if self.step < self.timeline.steps {
            self.pause(folder, observer)?;
        }
        Ok(records)
    }

    /// Saves the runs if that is due, and stops if that is wanted.
    fn pause(&self, folder: &mut Folder, observer: &dyn Observer) -> Result<(), TrainerError> {
        let stop = observer.wants_to_stop();
        if stop || folder.save_is_due() {
            folder.save(&self.checkpoint()?)?;
        }
        if !stop {
            return Ok(());
        }
        Err(TrainerError::Interrupted {
            step: self.step,
            steps: self.timeline.steps,
            folder: folder.path().to_owned(),
        })
    }

    /// What a step after an epoch says of the law, if it is asked then.
    fn check_law(&mut self, epoch: u64) -> Result<Vec<Record>, TrainerError> {
        let due = self.law_every > 0 && epoch.is_multiple_of(self.law_every);
        if !due || self.pairs.is_empty() || self.step >= self.timeline.steps {
            return Ok(Vec::new());
        }
        let batch = self.sampler.batch(self.step);
        law::check(self.engine, &self.schedules, &self.pairs, &batch, self.step)
    }

    /// Each run's record of an epoch that is done.
    fn evaluate(&mut self, epoch: u64) -> Result<Vec<Record>, TrainerError> {
        let mut records = Vec::with_capacity(self.sums.len());
        for (run, sum) in self.sums.iter().enumerate() {
            let ratios = self.schedules[run].due_scale_ratios(self.group_count);
            let test = self.engine.evaluate(run, Split::Test, &ratios)?;
            records.push(Record::Epoch {
                run,
                epoch,
                step: self.step,
                train_loss: sum.loss / sum.images as f64,
                train_accuracy: sum.correct as f64 / sum.images as f64,
                test_loss: test.loss,
                test_accuracy: test.accuracy(),
            });
        }
        Ok(records)
    }

    /// Trains some steps, in one call of the engine unless a run is rescaled between them.
    fn chunk(&mut self, steps: u64, folder: &mut Folder) -> Result<(), TrainerError> {
        let batches: Vec<_> = (self.step..self.step + steps)
            .map(|step| self.sampler.batch(step))
            .collect();
        let mut planned = Vec::with_capacity(batches.len());
        for _ in &batches {
            let step: Result<Vec<PlannedStep>, _> = self
                .schedules
                .iter_mut()
                .map(RunSchedule::next_step)
                .collect();
            planned.push(step?);
        }
        let norms_are_due = self.step.is_multiple_of(self.norms_every);
        let (mut batches, mut time) = (&batches[..], Duration::ZERO);
        let parts = planned.chunk_by(|_, next| next.iter().all(|run| run.rescaling == 0));
        for (index, part) in parts.enumerate() {
            self.rescale(&part[0])?;
            if index == 0 && norms_are_due {
                self.record_norms(&part[0], folder)?;
            }
            let (now, later) = batches.split_at(part.len());
            time += self.call(now, part, folder)?;
            self.step += part.len() as u64;
            batches = later;
        }
        self.adapt(time, steps);
        Ok(())
    }

    /// Trains these steps in one call of the engine and records them; how long the engine took.
    fn call(
        &mut self,
        batches: &[BatchSpec],
        planned: &[Vec<PlannedStep>],
        folder: &mut Folder,
    ) -> Result<Duration, TrainerError> {
        let hyper = HyperTable::from_fn(
            batches.len(),
            self.schedules.len(),
            self.group_count,
            |step, run, group| planned[step][run].hyper(group),
        )?;
        let clock = Instant::now();
        let stats = self.engine.run(Batches::shared(batches), &hyper)?;
        let time = clock.elapsed();
        for (index, (batch, plan)) in batches.iter().zip(planned).enumerate() {
            for (run, (sum, planned)) in self.sums.iter_mut().zip(plan).enumerate() {
                let StepStats { loss, correct } = stats.get(index, run);
                sum.loss += loss * batch.len() as f64;
                sum.last_loss = loss;
                sum.correct += u64::from(correct);
                sum.images += batch.len() as u64;
                let since = &mut self.diverged[run];
                *since = (!loss.is_finite()).then_some(since.unwrap_or(planned.step));
                let ln_rate = planned.ln_learning_rate;
                folder.record(&Record::Step {
                    run,
                    step: planned.step,
                    loss,
                    ln_rate,
                })?;
            }
        }
        Ok(time)
    }

    /// Brings runs to the scales at which a step is planned.
    fn rescale(&mut self, planned: &[PlannedStep]) -> Result<(), TrainerError> {
        for (run, planned) in planned.iter().enumerate() {
            if let Some(exponents) = planned.engine_rescaling(self.group_count) {
                self.engine.rescale(run, &exponents)?;
            }
        }
        Ok(())
    }

    /// Chooses the size of the next chunk.
    fn adapt(&mut self, time: Duration, steps: u64) {
        let ratio = CHUNK.as_secs_f64() / time.as_secs_f64().max(1e-6);
        // At most doubled, because a single step says little about many.
        let wanted = (steps as f64 * ratio) as u64;
        self.chunk = wanted.clamp(1, (2 * self.chunk).min(LARGEST_CHUNK));
    }

    /// Records weight norms before the steps that are planned for each run.
    fn record_norms(
        &self,
        planned: &[PlannedStep],
        folder: &mut Folder,
    ) -> Result<(), TrainerError> {
        for (run, (planned, twin)) in planned.iter().zip(&self.twins).enumerate() {
            let compared = self.engine.compare(run, twin.unwrap_or(run))?;
            let trained = || {
                let layers = compared.iter().zip(&self.groups);
                layers.filter_map(|(layer, group)| group.map(|group| (layer, group)))
            };
            // No change of scale changes it.
            let effective = |norm: f64, group: usize| {
                let degree = self.optimiser.degree() as i32;
                planned.hyper(group).learning_rate / norm.powi(1 + degree)
            };
            let own_norm = |norm: f64, group: usize| match group {
                SCALED_GROUP => planned.own_norm(norm),
                _ => norm,
            };
            folder.record(&Record::Norms {
                run,
                step: planned.step,
                norms: trained()
                    .map(|(layer, group)| own_norm(layer.norm_a, group))
                    .collect(),
                effective_rates: trained()
                    .map(|(layer, group)| effective(layer.norm_a, group))
                    .collect(),
                distances: match twin {
                    Some(_) => trained().map(|(layer, _)| layer.distance).collect(),
                    None => Vec::new(),
                },
            })?;
        }
        Ok(())
    }
}

/// Runs that follow the exact law, each with its original.
fn pairs(experiment: &Experiment) -> law::Pairs {
    let runs = experiment.run.iter().enumerate();
    runs.filter(|(_, run)| run.transform == Transform::WdFree && run.start == Start::Usual)
        .filter_map(|(run, _)| Some((run, experiment.twin(run)?)))
        .collect()
}
