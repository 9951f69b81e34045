use std::process::ExitCode;

use datasets::DataError;
use report::ReportError;
use trainer::TrainerError;

/// Why a command stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The experiment or its training.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// The report.
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl CommandError {
    /// Says it on standard error; 2 for bad input, 1 for anything else.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {self}");
        let bad_input = match self {
            Self::Data(error) => error.is_bad_input(),
            Self::Trainer(error) => error.is_bad_input(),
            Self::Report(error) => error.is_bad_input(),
        };
        ExitCode::from(if bad_input { 2 } else { 1 })
    }
}
