//! `texp inspect`: which weights of a network may be scaled, and why not the others.

mod drawing;
mod groups;
mod json;
mod names;
pub(crate) mod probe;
mod table;
mod warnings;

use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use nn_onnx::Unsupported;
use scale_invariance::{Inspection, inspect as find_scalings};

use groups::{GroupArgs, Groups};
use probe::Probed;

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
    /// Also draw the network to this file, in place of what is there, with the degrees of its tensors: where all
    /// trained parameters are multiplied by one factor or, with a recipe, each to the power of its group's exponent.
    #[arg(long, value_name = "FILE.svg")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    groups: GroupArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Rules {
    /// Every scaling that can be shown, with an exponent of its own for each parameter.
    General,
    /// Those of Li & Arora (2020), appendix: one scaling of all trained parameters together, or the first
    /// operation that breaks it.
    Paper,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
enum Format {
    /// Columns, for reading.
    Table,
    /// One object, for programs.
    Json,
    /// The recipe with its parameter groups, for texp convert.
    Recipe,
}

impl InspectArgs {
    /// That nothing is written to a file that is read, nor two things to one.
    fn keeps_its_files(&self) -> Result<(), CommandError> {
        let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone());
        let mut files: Vec<PathBuf> = Some(&self.file)
            .into_iter()
            .chain(&self.groups.recipe)
            .map(real)
            .collect();
        for path in self.svg.iter().chain(&self.groups.param_groups) {
            if files.contains(&real(path)) {
                return Err(CommandError::Overwrites { path: path.clone() });
            }
            files.push(real(path));
        }
        Ok(())
    }
}

/// What is told of a file.
struct Answer {
    inspection: Inspection,
    unsupported: Vec<Unsupported>,
    /// For a recipe, if there is one.
    groups: Option<Groups>,
    probed: Option<Probed>,
}

/// Inspects the network of a file, and writes what it finds to standard output.
///
/// # Errors
/// [`CommandError`] if the file is no network, or an option names none of its parameters; if the recipe cannot be read
/// or has no groups; where a probe is asked for, if no engine runs the network, or numbers contradict what is found; or
/// if a result cannot be written.
pub fn inspect(args: &InspectArgs) -> Result<(), CommandError> {
    args.keeps_its_files()?;
    let model = nn_onnx::open(&args.file)?;
    let mut imported = model.import()?;
    let frozen = names::named(&imported.network, "--freeze", &args.freeze)?;
    imported.network = imported.network.with_trained(|name| !frozen.contains(name));
    let inspection = find_scalings(&imported.network);
    let recipe = args.groups.recipe.as_ref();
    for warning in warnings::warnings(&imported.network, &inspection, recipe.is_some()) {
        // Someone who closed standard error does not want to hear about it.
        let _ = writeln!(io::stderr(), "warning: {warning}");
    }
    let groups = recipe.map(|file| groups::find(&args.groups, file, &imported, &inspection));
    let probed = args
        .probe
        .then(|| probe::run(&model.import_graph()?, &inspection));
    let answer = Answer {
        groups: groups.transpose()?,
        probed: probed.transpose()?,
        inspection,
        unsupported: imported.unsupported,
    };
    if let Some(path) = &args.svg {
        let svg = drawing::of(&args.file, &imported.network, &answer);
        write_to(Some(path), |out| out.write_all(svg.as_bytes()))?;
    }
    if let (Some(groups), Some(path)) = (&answer.groups, &args.groups.param_groups) {
        let source = args.file.display().to_string();
        write_to(Some(path), |out| {
            groups::python::write(out, groups, &source)
        })?;
    }
    write_to(None, |out| {
        match (args.format, args.rules, &answer.groups) {
            (Format::Recipe, _, Some(groups)) => groups::toml::write(out, groups),
            (Format::Json, _, _) => json::write(out, &answer),
            (_, Rules::General, _) => table::write(out, &answer),
            (_, Rules::Paper, _) => table::write_paper(out, &answer),
        }
    })?;
    match answer.probed.map_or(0, |probed| probed.broken().count()) {
        0 => Ok(()),
        claims => Err(CommandError::Contradicted { claims }),
    }
}
