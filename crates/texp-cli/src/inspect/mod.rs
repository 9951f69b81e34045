//! `texp inspect`: which weights of a network may be scaled, and why not the others.

mod json;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use glob::Pattern;
use nn_graph::network::Network;
use nn_onnx::Unsupported;
use scale_invariance::{Inspection, inspect as find_scalings};

use crate::CommandError;
use crate::output::write_to;

/// What to inspect, and how it is told.
#[derive(Clone, Debug, Args)]
pub struct InspectArgs {
    /// The network, as an ONNX file.
    file: PathBuf,
    /// Parameters that are not trained: a name, or a pattern such as `head.*`. Can be given again.
    #[arg(long, value_name = "NAME|GLOB")]
    freeze: Vec<String>,
    /// Whose rules decide.
    #[arg(long, value_enum, default_value_t = Rules::General)]
    rules: Rules,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rules {
    /// Every scaling that can be shown, with an exponent of its own for each parameter.
    General,
    /// Those of Li & Arora (2020), appendix: one scaling of all trained parameters together, or the first
    /// operation that breaks it.
    Paper,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// Columns, for reading.
    Table,
    /// One object, for programs.
    Json,
}

/// What is told of a file.
struct Answer {
    inspection: Inspection,
    unsupported: Vec<Unsupported>,
}

/// Inspects the network of a file, and writes what it finds to standard output.
///
/// # Errors
/// [`CommandError`] if the file is no network, or a name to freeze is none of its parameters.
pub fn inspect(args: &InspectArgs) -> Result<(), CommandError> {
    let imported = nn_onnx::open(&args.file)?.import()?;
    let network = frozen(imported.network, &args.freeze)?;
    let answer = Answer {
        inspection: find_scalings(&network),
        unsupported: imported.unsupported,
    };
    write_to(None, |out| match (args.format, args.rules) {
        (Format::Json, _) => json::write(out, &answer),
        (Format::Table, Rules::General) => table::write(out, &answer),
        (Format::Table, Rules::Paper) => table::write_paper(out, &answer),
    })
}

/// The network with some parameters no longer trained.
fn frozen(network: Network, names: &[String]) -> Result<Network, CommandError> {
    let mut found = BTreeSet::new();
    for name in names {
        let pattern = Pattern::new(name).map_err(|error| CommandError::Pattern {
            pattern: name.clone(),
            problem: error.msg,
        })?;
        let parameters = network.parameters().map(|id| &network.tensor(id).name);
        let before = found.len();
        // A name may hold what a pattern would not match, such as brackets.
        found.extend(
            parameters
                .filter(|parameter| *parameter == name || pattern.matches(parameter))
                .cloned(),
        );
        if found.len() == before {
            return Err(CommandError::NothingToFreeze {
                pattern: name.clone(),
            });
        }
    }
    Ok(network.with_trained(|name| !found.contains(name)))
}
