//! The command `texp`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use clap_complete::Shell;
use texp_cli::{
    AuditArgs, CompareArgs, ConvertArgs, InspectArgs, MachineArgs, Places, ReproArgs, RunArgs,
    ToyArgs, audit, compare, completions, convert, dry_run, inspect, man, repro, resume,
    rewrite_report, toy, train,
};

/// Weight decay and exponential learning rates: train a recipe and its exact twin.
#[derive(Debug, Parser)]
#[command(name = "texp", version)]
struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Train all runs of an experiment in lockstep, and write its report.
    Train {
        /// The experiment, as TOML.
        file: PathBuf,
        /// Only say what would be done: each run's rates, where it is rescaled, and the memory that all will take.
        #[arg(long)]
        dry_run: bool,
        #[command(flatten)]
        run: RunArgs,
    },
    /// Go on with a run that was stopped or killed, from its last checkpoint, and write its report.
    ///
    /// It ends with the same bytes as a run that was never stopped, if it goes on on the device that it began on.
    Resume {
        /// The run folder.
        folder: PathBuf,
        #[command(flatten)]
        machine: MachineArgs,
    },
    /// Reproduce figures: train what their experiments lack, judge their claims, and write one report of all.
    ///
    /// Runs that are there already are used, whatever figure they were trained for; given again, the same command goes on with what it
    /// had not finished.
    Repro {
        /// The folder of the experiments, each a figure.
        #[arg(default_value = "experiments")]
        experiments: PathBuf,
        #[command(flatten)]
        args: ReproArgs,
    },
    /// Write the report of a run folder again.
    Report {
        /// The run folder.
        folder: PathBuf,
    },
    /// Show the curves of any runs in one page.
    ///
    /// What can be compared with what is yours to say: the page names data, network and software of each run.
    Compare(CompareArgs),
    /// Convert a recipe to its twin without weight decay, as a table or a PyTorch scheduler.
    ///
    /// The schedule goes to standard output, what it comes to in words to standard error.
    Convert(ConvertArgs),
    /// Find which weights of a network can be scaled without changing its function, and why not the others.
    ///
    /// Weight decay on those weights can become an exponential learning rate, exactly so as far as a normalisation's ε is
    /// nothing beside its variance. The network is taken as it is trained: normalised by the batch's statistics, whatever the file was
    /// exported for. Of each parameter it is told whether it scales alone; jointly with others of its group, all of them
    /// up; only balanced, up if another goes down; or not at all; to which power others scale with it (degree); and how
    /// finely the same holds of its parts (by).
    Inspect(InspectArgs),
    /// Audit a training log: how far from equilibrium its phases end, what its twin without weight decay would be.
    ///
    /// Of SGD with momentum and coupled weight decay (PyTorch's), logged by any framework: rates, decay and momentum, and the
    /// norms of weights that feed a normalisation. Nothing is trained.
    Audit(AuditArgs),
    /// Simulate the toy example of Li & Arora: weight decay, batch normalisation and both on one linear layer, against theory.
    Toy(ToyArgs),
    /// Write completions for a shell to standard output.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual pages, one for each subcommand, into a folder such as share/man/man1.
    Man {
        /// The folder; made if it is not there.
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Verb::Train {
            file,
            dry_run: true,
            run,
        } => dry_run(&file, &run),
        Verb::Train { file, run, .. } => {
            let command = ["texp", "train", &argument(&file)];
            train(&file, &run, &Places::within(Path::new("")), &command)
        }
        Verb::Resume { folder, machine } => {
            let command = ["texp", "resume", &argument(&folder)];
            resume(&folder, &machine, &Places::within(Path::new("")), &command)
        }
        Verb::Repro { experiments, args } => {
            let command = ["texp", "repro", &argument(&experiments)];
            repro(
                &experiments,
                &args,
                &Places::within(Path::new("")),
                &command,
            )
        }
        Verb::Report { folder } => rewrite_report(&folder),
        Verb::Compare(args) => compare(&args),
        Verb::Convert(args) => convert(&args),
        Verb::Inspect(args) => inspect(&args),
        Verb::Audit(args) => audit(&args),
        Verb::Toy(args) => toy(&args),
        Verb::Completions { shell } => completions(&mut Cli::command(), shell),
        Verb::Man { folder } => man(Cli::command(), &folder),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

/// A path as it is given on a command line, where it must not be read as an option.
fn argument(path: &Path) -> String {
    let mut name = path.display().to_string();
    if name.starts_with('-') {
        name.insert_str(0, "./");
    }
    name
}
