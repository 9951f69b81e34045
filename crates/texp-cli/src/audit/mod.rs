//! `texp audit`: what a training log says of weight decay, norms and rates.

mod plot;
mod source;
mod table;

use std::path::PathBuf;

use audit::{Audit, Columns, Constants};
use clap::{Args, ValueEnum};

use crate::CommandError;
use crate::output::write_to;

/// What to audit, how it is read, and where what is found goes.
#[derive(Clone, Debug, Args)]
pub struct AuditArgs {
    /// The log, CSV or JSONL; `-` for standard input; or a run folder of texp train.
    log: PathBuf,
    /// Batches in an epoch; a run folder says it itself.
    #[arg(long, value_name = "N")]
    steps_per_epoch: Option<u64>,
    /// Names of columns that are not the usual ones, such as step=batch,lr=sgd/lr,norm=norms/*.
    ///
    /// Keys are step, lr, weight_decay, momentum, norm for ‖w‖ and squared_norm for ‖w‖²; a name that ends in * is how layers'
    /// names start, another one is that of all weights' norm.
    #[arg(long, value_name = "KEY=NAME,…")]
    columns: Option<Columns>,
    /// The learning rate, if the log lacks it because it is constant.
    #[arg(long, value_name = "RATE")]
    lr: Option<f64>,
    /// The weight decay, if the log lacks it because it is constant.
    #[arg(long, value_name = "DECAY")]
    weight_decay: Option<f64>,
    /// The momentum, if the log lacks it because it is constant.
    #[arg(long, value_name = "MOMENTUM")]
    momentum: Option<f64>,
    /// Which run of a run folder [default: the first].
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    /// Form of what is found.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Also draw norms, effective rate and the twin's rate.
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Format {
    /// Tables and sentences.
    Text,
    /// One object, with everything.
    Json,
}

impl AuditArgs {
    fn constants(&self) -> Constants {
        Constants {
            learning_rate: self.lr,
            weight_decay: self.weight_decay,
            momentum: self.momentum,
        }
    }
}

/// Audits a log and writes what is found to standard output.
///
/// # Errors
/// [`CommandError`]: the log or run folder cannot be read, or is none; a result cannot be written.
pub fn audit(args: &AuditArgs) -> Result<(), CommandError> {
    let (log, steps_per_epoch) = source::read(args)?;
    let audit = Audit::new(log, steps_per_epoch)?;
    if let Some(path) = &args.svg {
        let svg = plot::svg(&audit)?;
        write_to(Some(path), |out| out.write_all(svg.as_bytes()))?;
    }
    write_to(None, |out| match args.format {
        Format::Text => table::write(out, audit.findings()),
        Format::Json => {
            serde_json::to_writer_pretty(&mut *out, audit.findings())?;
            writeln!(out)
        }
    })
}
