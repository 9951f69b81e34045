//! The device that a training runs on.

use trainer::TrainerError;
use trainer::experiment::Experiment;
use trainer::run::{DeviceKind, check_gpu};

use crate::DeviceChoice;

/// The device for an experiment. Where the choice is left to texp and falls on the CPU, says why on standard error.
///
/// # Errors
/// [`TrainerError`] where a GPU is asked for that is not there, or cannot train this.
pub(crate) fn find(
    experiment: &Experiment,
    choice: DeviceChoice,
) -> Result<DeviceKind, TrainerError> {
    match choice {
        DeviceChoice::Cpu => Ok(DeviceKind::Cpu),
        DeviceChoice::Cuda => check_gpu(experiment).map(|()| DeviceKind::Cuda),
        DeviceChoice::Auto => Ok(match check_gpu(experiment) {
            Ok(()) => DeviceKind::Cuda,
            Err(why) => {
                eprintln!("Training on the CPU: {why}.");
                DeviceKind::Cpu
            }
        }),
    }
}
