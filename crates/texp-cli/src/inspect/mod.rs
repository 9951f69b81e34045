//! `texp inspect`: which weights of a network may be scaled, and why not the others.

mod json;
mod probe;
mod table;

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use glob::Pattern;
use nn_graph::network::Network;
use nn_onnx::Unsupported;
use scale_invariance::{Inspection, inspect as find_scalings};

use self::probe::Probed;
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
    /// Run the network too, at parameters that are scaled as the answer says, and say whether it bears the answer out. Takes
    /// from seconds to minutes; only for networks that texp can train, of convolutions, batch and group normalisation,
    /// ReLU, pooling, addition and a linear head.
    #[arg(long)]
    probe: bool,
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
    probed: Option<Probed>,
}

/// Inspects the network of a file, and writes what it finds to standard output.
///
/// # Errors
/// [`CommandError`] if the file is no network, or a name to freeze is none of its parameters; where a probe is asked for, if
/// no engine runs the network, or numbers contradict what is found.
pub fn inspect(args: &InspectArgs) -> Result<(), CommandError> {
    let model = nn_onnx::open(&args.file)?;
    let imported = model.import()?;
    let network = frozen(imported.network, &args.freeze)?;
    let inspection = find_scalings(&network);
    let probed = match args.probe {
        true => Some(probe::run(&model, &inspection)?),
        false => None,
    };
    let answer = Answer {
        inspection,
        unsupported: imported.unsupported,
        probed,
    };
    write_to(None, |out| match (args.format, args.rules) {
        (Format::Json, _) => json::write(out, &answer),
        (Format::Table, Rules::General) => table::write(out, &answer),
        (Format::Table, Rules::Paper) => table::write_paper(out, &answer),
    })?;
    match answer.probed.map_or(0, |probed| probed.broken().count()) {
        0 => Ok(()),
        claims => Err(CommandError::Contradicted { claims }),
    }
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
