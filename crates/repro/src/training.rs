//! Trainings, several at a time.

use std::sync::Mutex;
use std::thread;

use datasets::Dataset;
use trainer::TrainerError;
use trainer::experiment::{Arithmetic, Experiment};
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
        if experiment.training.precision == Arithmetic::Float64 {
            options.device = DeviceKind::Cpu;
        }
        // What was begun on a device goes on there, for the same bits.
        let begun = self.unfinished.as_ref().and_then(SavedRun::device);
        options.device = begun.unwrap_or(options.device);
        match self.unfinished {
            Some(saved) => saved.resume(dataset, &options, observer),
            None => run_experiment(experiment, dataset, &jobs.place, &options, observer),
        }
    }
}

/// Does all trainings. `images` gives the images of an experiment, as many as it asks for or more, and `observer` makes an
/// observer for each, with the name of its experiment. One in which every run diverges is done, too.
///
/// # Errors
/// The first [`TrainerError`]; what is being trained then goes on to its end, and nothing new is begun. All that is finished
/// or saved by then is found again by [`Store`](crate::Store).
pub fn train_all<O: Observer>(
    jobs: &Jobs,
    work: Vec<Job>,
    images: impl Fn(&Experiment) -> Dataset + Sync,
    observer: impl Fn(&str) -> O + Sync,
) -> Result<(), ReproError> {
    let threads = jobs.at_once.clamp(1, work.len().max(1));
    let queue = Mutex::new(work.into_iter());
    let failed = Mutex::new(None);
    let work = || {
        let has_failed = || failed.lock().map_or(true, |failed| failed.is_some());
        let next = || queue.lock().map_or(None, |mut queue| queue.next());
        while !has_failed()
            && let Some(job) = next()
        {
            let experiment = &job.family.experiment;
            let (mut observer, dataset) = (observer(&experiment.name), images(experiment));
            match job.run(jobs, dataset, &mut observer) {
                // Somebody else may have finished it in the meantime.
                Ok(_) | Err(TrainerError::Diverged { .. } | TrainerError::Complete { .. }) => {}
                Err(error) => {
                    if let Ok(mut failed) = failed.lock() {
                        failed.get_or_insert(error);
                    }
                }
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    match failed.into_inner() {
        Ok(Some(error)) => Err(error.into()),
        _ => Ok(()),
    }
}
