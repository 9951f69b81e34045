//! Trainings, several at a time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use datasets::Dataset;
use nn_engine::Precision;
use trainer::TrainerError;
use trainer::experiment::Experiment;
use trainer::run::{DeviceKind, Finished, Observer, Place, RunOptions, SavedRun, run_experiment};

use crate::{Family, ReproError};

/// A training that is to be done.
#[derive(Debug)]
pub struct Job {
    /// What is trained.
    pub family: Family,
    /// Where it was left, if it was begun.
    pub unfinished: Option<SavedRun>,
}

/// How trainings are done.
#[derive(Clone, Debug)]
pub struct Jobs {
    /// How many at a time, at least 1.
    pub at_once: usize,
    /// Where run folders are made.
    pub place: Place,
    /// Of each of them; but float64 is always computed on the CPU.
    pub options: RunOptions,
}

impl Job {
    fn run(
        self,
        jobs: &Jobs,
        dataset: Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Finished, TrainerError> {
        let experiment = &self.family.experiment;
        let mut options = jobs.options.clone();
        if experiment.training.precision == Precision::Float64 {
            options.device = DeviceKind::Cpu;
        }
        match self.unfinished {
            Some(saved) => saved.resume(dataset, &options, observer),
            None => run_experiment(experiment, dataset, &jobs.place, &options, observer),
        }
    }
}

/// Does all trainings. `images` gives the images of an experiment, as many as it asks for or more, and `observer` makes an
/// observer for each, with the name of its experiment.
///
/// # Errors
/// The first [`TrainerError`]; what is being trained then goes on to its end, and nothing new is begun. All that is finished
/// or saved by then is found again by [`Store`](crate::Store).
pub fn train_all<O: Observer>(
    jobs: &Jobs,
    work: Vec<Job>,
    images: impl Fn(&Experiment) -> Dataset + Sync,
    observer: impl Fn(&str) -> O + Sync,
) -> Result<Vec<Finished>, ReproError> {
    let names: Vec<String> = work
        .iter()
        .map(|job| job.family.experiment.name.clone())
        .collect();
    let queue = Mutex::new(work.into_iter().enumerate());
    let (send, results) = mpsc::channel();
    let failed = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..jobs.at_once.clamp(1, names.len().max(1)) {
            let send = send.clone();
            let (queue, failed, images, observer) = (&queue, &failed, &images, &observer);
            scope.spawn(move || {
                let next = || queue.lock().map_or(None, |mut queue| queue.next());
                while let Some((index, job)) = next() {
                    if failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let experiment = &job.family.experiment;
                    let (mut observer, dataset) = (observer(&experiment.name), images(experiment));
                    let result = job.run(jobs, dataset, &mut observer);
                    if result.is_err() {
                        failed.store(true, Ordering::Relaxed);
                    }
                    // Nobody listens only where this whole call has ended.
                    let _ = send.send((index, result));
                }
            });
        }
    });
    drop(send);
    let mut finished: Vec<Option<Finished>> = names.iter().map(|_| None).collect();
    for (index, result) in results {
        finished[index] = Some(result?);
    }
    let named = finished.into_iter().zip(names);
    named
        .map(|(finished, name)| finished.ok_or(ReproError::Lost { name }))
        .collect()
}
