//! The device that a training runs on.

use nn_engine::EngineError;
use trainer::TrainerError;
use trainer::experiment::Experiment;
use trainer::run::{DeviceKind, check_cpu, check_gpu};

use crate::DeviceChoice;

/// The device for an experiment. Where the choice is left to texp and falls on the CPU, says why on standard error.
///
/// # Errors
/// [`TrainerError`] where a GPU is asked for that is not there, or cannot train this; or where neither can, so that what an
/// experiment multiplies is never another on the CPU.
pub(crate) fn find(
    experiment: &Experiment,
    choice: DeviceChoice,
) -> Result<DeviceKind, TrainerError> {
    match choice {
        DeviceChoice::Cpu => check_cpu(experiment).map(|()| DeviceKind::Cpu),
        DeviceChoice::Cuda => check_gpu(experiment).map(|()| DeviceKind::Cuda),
        DeviceChoice::Auto => match check_gpu(experiment) {
            Ok(()) => Ok(DeviceKind::Cuda),
            Err(why) if serves_cpu(&why) => match check_cpu(experiment) {
                Ok(()) => {
                    eprintln!("Training on the CPU: {why}.");
                    Ok(DeviceKind::Cpu)
                }
                Err(TrainerError::RoundedOnCpu { arithmetic, .. }) => {
                    Err(TrainerError::RoundedOnCpu {
                        arithmetic,
                        no_gpu: Some(Box::new(why)),
                    })
                }
                Err(refused) => Err(refused),
            },
            Err(why) => Err(why),
        },
    }
}

/// Whether what keeps an experiment from the GPU does not keep it from the CPU. A mistake in the experiment does, and a GPU
/// that fails is to be known before a long training begins elsewhere.
fn serves_cpu(why: &TrainerError) -> bool {
    matches!(
        why,
        TrainerError::Float64OnGpu
            | TrainerError::Engine(
                EngineError::NoDevice { .. }
                    | EngineError::DeviceMemory { .. }
                    | EngineError::Unsupported { .. }
                    | EngineError::Options(_)
            )
    )
}
