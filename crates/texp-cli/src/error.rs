use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use claims::EvidenceError;
use datasets::DataError;
use nn_engine::EngineError;
use nn_onnx::OnnxError;
use rayon::ThreadPoolBuildError;
use recipe_convert::{ConversionError, Located, Optimizer, RecipeFileError};
use report::ReportError;
use repro::ReproError;
use toy::experiment::ExperimentError;
use trainer::TrainerError;

/// Why `texp inspect` makes no parameter groups for a recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoGroups {
    /// An optimiser without a law of groups.
    #[error(
        "for the optimizer \"{optimizer}\" parameter groups have no exact conversion; use the optimizer \"sgd\""
    )]
    NeedsSgd {
        /// The recipe's optimiser.
        optimizer: Optimizer,
    },
    /// Groups, which do not say what is in them.
    #[error(
        "the recipe has parameter groups, and does not say which parameters are in them; leave them out, name what \
         has no weight decay with --no-decay, and texp inspect makes the groups"
    )]
    HasGroups,
}

/// Exit code of what was stopped by Ctrl-C, as shells have it.
const INTERRUPTED: u8 = 130;

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
    /// Several experiments and their claims.
    #[error(transparent)]
    Repro(#[from] ReproError),
    /// A figure that there is not.
    #[error("there is no figure `{figure}` in {}; the figures are {}", folder.display(), known.join(", "))]
    UnknownFigure {
        /// As it was asked for.
        figure: String,
        /// Where figures are looked for.
        folder: PathBuf,
        /// Those that are there.
        known: Vec<String>,
    },
    /// The report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeFileError),
    /// An experiment with the toy.
    #[error(transparent)]
    Toy(#[from] ExperimentError),
    /// A table of degrees.
    #[error(transparent)]
    Degrees(#[from] crate::TableError),
    /// A claim that what was found does not decide.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
    /// Threads that cannot be started.
    #[error("the threads cannot be started ({0}); ask for fewer with --threads")]
    Threads(#[from] ThreadPoolBuildError),
    /// A recipe without the conversion.
    #[error(transparent)]
    Conversion(#[from] ConversionError),
    /// A recipe that parameter groups cannot be made for.
    #[error(transparent)]
    Groups(#[from] Located<NoGroups>),
    /// A log that cannot be audited.
    #[error(transparent)]
    Log(#[from] audit::LogError),
    /// A run of what has none.
    #[error("--run names a run of a run folder, and this is a log of one; leave it out")]
    RunOfFile,
    /// What a run folder knows better.
    #[error(
        "a run folder knows its rates, weight decay, momentum, columns and epochs; leave --lr, --weight-decay, --momentum, \
         --columns and --steps-per-epoch out"
    )]
    ToldOfFolder,
    /// An experiment without what an audit needs.
    #[error("{file} has no recipe to audit by: {reason}")]
    NotAudited {
        /// The experiment.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A recipe or log that cannot be read.
    #[error(
        "{file} cannot be read ({source}); check the path, its permissions, and that it is text"
    )]
    Input {
        /// The file, or what stands for it.
        file: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// A network that cannot be read.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// A network that cannot be run at all.
    #[error("the network cannot be probed: {0}")]
    Probe(#[from] EngineError),
    /// What was found of a network, and is not so.
    #[error(
        "numbers contradict {claims} of the claims, which is a mistake of texp and not of the file; please report it with the \
         file"
    )]
    Contradicted {
        /// How many.
        claims: usize,
    },
    /// A pattern of names that is none.
    #[error("{option} `{pattern}` is no pattern ({problem}); write `[*]` for a star that is meant")]
    Pattern {
        /// The option that it is given to.
        option: &'static str,
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A pattern without a parameter.
    #[error(
        "{option} `{pattern}` is the name of no trained parameter that no option before it names; texp inspect without \
         it lists them"
    )]
    NoParameter {
        /// The option that it is given to.
        option: &'static str,
        /// The pattern.
        pattern: String,
    },
    /// A run that its folder does not have.
    #[error("{} has no run \"{name}\"; its runs are {names}", folder.display())]
    NoRun {
        /// The run folder.
        folder: PathBuf,
        /// What was asked for.
        name: String,
        /// What there is.
        names: String,
    },
    /// A file or folder of results that cannot be written.
    #[error("{} cannot be written ({source}); check the path and its permissions", path.display())]
    Output {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file that would be lost.
    #[error("{} is read, or written with something else; name another file to write", path.display())]
    Overwrites {
        /// The file.
        path: PathBuf,
    },
    /// Standard output that cannot be written.
    #[error("standard output cannot be written ({0})")]
    Stdout(#[source] io::Error),
    /// Steps to leave out of a file that has none.
    #[error(
        "--every thins a table, and --format torch writes a scheduler for every step; leave one out"
    )]
    EveryOfScheduler,
}

impl CommandError {
    /// Says it on standard error; 2 for bad input, 130 for a training that was asked to stop, 1 for anything else.
    pub fn report(&self) -> ExitCode {
        if let Self::Repro(ReproError::Trainer(TrainerError::Interrupted { .. })) = self {
            eprintln!("Stopped; all is saved, and the same command goes on from there.");
            return ExitCode::from(INTERRUPTED);
        }
        if let Self::Trainer(TrainerError::Interrupted { .. }) = self {
            eprintln!("{self}");
            return ExitCode::from(INTERRUPTED);
        }
        eprintln!("error: {self}");
        let bad_input = match self {
            Self::Data(error) => error.is_bad_input(),
            Self::Recipe(_)
            | Self::Toy(_)
            | Self::Degrees(_)
            | Self::Evidence(_)
            | Self::Conversion(_)
            | Self::Input { .. }
            | Self::Onnx(_)
            | Self::Pattern { .. }
            | Self::NoParameter { .. }
            | Self::NoRun { .. }
            | Self::UnknownFigure { .. }
            | Self::Groups(_)
            | Self::Log(_)
            | Self::RunOfFile
            | Self::ToldOfFolder
            | Self::NotAudited { .. }
            | Self::Overwrites { .. }
            | Self::EveryOfScheduler => true,
            Self::Output { .. }
            | Self::Stdout(_)
            | Self::Threads(_)
            | Self::Probe(_)
            | Self::Contradicted { .. } => false,
            Self::Trainer(error) => error.is_bad_input(),
            Self::Report(error) => error.is_bad_input(),
            Self::Repro(error) => error.is_bad_input(),
        };
        ExitCode::from(if bad_input { 2 } else { 1 })
    }
}
