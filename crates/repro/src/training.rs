//! Trainings, several at a time.

use std::sync::Mutex;
use std::thread;
use std::vec::IntoIter;

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
    /// How many at a time on the CPU, at least 1.
    pub on_cpu: usize,
    /// How many at a time on the GPU, beside those, at least 1.
    pub on_gpu: usize,
    /// Where run folders are made.
    pub place: Place,
    /// Of each of them; but float64 is always computed on the CPU.
    pub options: RunOptions,
}

/// What an experiment is computed on where others are computed on a device: float64 always on the CPU.
pub fn device_of(experiment: &Experiment, others: DeviceKind) -> DeviceKind {
    match experiment.training.precision {
        Arithmetic::Float64 => DeviceKind::Cpu,
        _ => others,
    }
}

impl Job {
    /// What it is computed on where [others](device_of) are computed on a device. What was begun on one goes on there, for the
    /// same bits.
    pub fn device(&self, others: DeviceKind) -> DeviceKind {
        let begun = self.unfinished.as_ref().and_then(SavedRun::device);
        begun.unwrap_or_else(|| device_of(&self.family.experiment, others))
    }

    fn run(
        self,
        jobs: &Jobs,
        dataset: Dataset,
        observer: &mut dyn Observer,
    ) -> Result<Finished, TrainerError> {
        let experiment = &self.family.experiment;
        let mut options = jobs.options.clone();
        options.device = self.device(options.device);
        match self.unfinished {
            Some(saved) => saved.resume(dataset, &options, observer),
            None => run_experiment(experiment, dataset, &jobs.place, &options, observer),
        }
    }
}

/// Does all trainings, those on the CPU beside those on the GPU. `images` gives the images of an experiment, as many as it asks for or more, and `observer` makes an
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
    let is_on_gpu = |job: &Job| job.device(jobs.options.device) == DeviceKind::Cuda;
    let (on_gpu, on_cpu): (Vec<Job>, Vec<Job>) = work.into_iter().partition(is_on_gpu);
    let queues = [(on_gpu, jobs.on_gpu), (on_cpu, jobs.on_cpu)];
    let queues = queues.map(|(work, at_once)| {
        let threads = at_once.max(1).min(work.len());
        (Mutex::new(work.into_iter()), threads)
    });
    let failed = Mutex::new(None);
    let work = |queue: &Mutex<IntoIter<Job>>| {
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
        for (queue, threads) in &queues {
            for _ in 0..*threads {
                scope.spawn(|| work(queue));
            }
        }
    });
    match failed.into_inner() {
        Ok(Some(error)) => Err(error.into()),
        _ => Ok(()),
    }
}
