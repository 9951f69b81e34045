//! `texp convert`: from a recipe to its twin's schedule.

mod plot;

use std::io::{self, Write};
use std::num::NonZeroU64;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use recipe_convert::{Conversion, TableFormat, Target, write_table, write_torch};

use crate::CommandError;
use crate::output::write_to;
use crate::recipe;

/// What to convert, to what, and where it goes.
#[derive(Clone, Debug, Args)]
pub struct ConvertArgs {
    /// The recipe, as TOML; `-` for standard input.
    file: PathBuf,
    /// What the recipe is converted to.
    #[arg(long, value_enum, default_value_t = To::WdFree)]
    to: To,
    /// Form of the schedule.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Write only steps 0, N, 2N, …
    #[arg(long, value_name = "N")]
    every: Option<NonZeroU64>,
    /// Write the schedule to this file instead of standard output, in place of what is there.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also draw rates and scale, with the phases marked.
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum To {
    /// The same trajectory without weight decay, exactly.
    WdFree,
    /// TEXP, the paper's closed form for piecewise constant recipes.
    Tapered,
    /// TEXP--, the same without the drops of the rate: figure 3 of the paper.
    TaperedNoDrop,
    /// The same trajectory with another weight decay, exactly: that of the recipe's table `[target]`,
    /// whose key `weight_decay` is a number or a table with a kind of schedule.
    WeightDecay,
    /// The same trajectory without weight decay, exactly, for an optimiser of SGD with the rate inside its
    /// momentum buffer.
    SgdLrInside,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Format {
    /// A line of names, then a line a step.
    Csv,
    /// A list of objects.
    Json,
    /// A list of tables called `row`.
    Toml,
    /// A Python file with a scheduler for PyTorch.
    Torch,
}

/// Converts a recipe and writes its schedule, with a summary on standard error.
///
/// # Errors
/// [`CommandError`]: the recipe cannot be read, is none or has no conversion; a result cannot be
/// written.
pub fn convert(args: &ConvertArgs) -> Result<(), CommandError> {
    if args.format == Format::Torch && args.every.is_some() {
        return Err(CommandError::EveryOfScheduler);
    }
    let file = recipe::read(&args.file)?;
    let target = match args.to {
        To::WdFree => Target::WdFree,
        To::Tapered => Target::Tapered,
        To::TaperedNoDrop => Target::TaperedNoDrop,
        To::WeightDecay => Target::WeightDecay,
        To::SgdLrInside => Target::SgdLrInside,
    };
    let conversion = Conversion::new(&file, target)?;
    // Someone who closed standard error does not want to hear about it.
    let _ = write!(io::stderr(), "{}", conversion.summary());
    if let Some(path) = &args.plot {
        let svg = plot::svg(&conversion)?;
        write_to(Some(path), |out| out.write_all(svg.as_bytes()))?;
    }
    let every = args.every.unwrap_or(NonZeroU64::MIN);
    write_to(args.output.as_deref(), |out| {
        let format = match args.format {
            Format::Csv => TableFormat::Csv,
            Format::Json => TableFormat::Json,
            Format::Toml => TableFormat::Toml,
            Format::Torch => return write_torch(&conversion, out),
        };
        write_table(&conversion, format, every, out)
    })
}
