//! What is audited: a file, standard input, or a run folder.

use std::io::{self, Read};
use std::path::Path;

use audit::{Log, RunSource};
use recipe_convert::Optimizer;
use report::ReportError;
use run_records::RunFolder;
use trainer::TrainerError;
use trainer::experiment::{Experiment, Transform};

use super::AuditArgs;
use crate::CommandError;

/// The log, and the steps of an epoch if they are known.
pub(super) fn read(args: &AuditArgs) -> Result<(Log, Option<u64>), CommandError> {
    if args.log.is_dir() {
        return read_folder(args);
    }
    if args.run.is_some() {
        return Err(CommandError::RunOfFile);
    }
    let (name, text) = if args.log == Path::new("-") {
        let mut text = String::new();
        let read = io::stdin().read_to_string(&mut text);
        ("standard input".to_owned(), read.map(|_| text))
    } else {
        let name = args.log.display().to_string();
        (name, std::fs::read_to_string(&args.log))
    };
    let text = text.map_err(|source| CommandError::Input {
        file: name.clone(),
        source,
    })?;
    let columns = args.columns.clone().unwrap_or_default();
    let log = Log::parse(&text, &name, &columns, args.constants())?;
    Ok((log, args.steps_per_epoch))
}

fn read_folder(args: &AuditArgs) -> Result<(Log, Option<u64>), CommandError> {
    let said = [args.lr, args.weight_decay, args.momentum]
        .iter()
        .any(Option::is_some);
    if said || args.steps_per_epoch.is_some() || args.columns.is_some() {
        return Err(CommandError::ToldOfFolder);
    }
    let folder = RunFolder::read(&args.log).map_err(ReportError::from)?;
    let names = || folder.manifest.runs.iter().map(|run| run.name.clone());
    let run = match &args.run {
        None => 0,
        Some(name) => {
            names()
                .position(|other| other == *name)
                .ok_or_else(|| CommandError::NoRun {
                    folder: args.log.clone(),
                    name: name.clone(),
                    names: names().collect::<Vec<_>>().join(", "),
                })?
        }
    };
    let toml = args.log.join("experiment.toml").display().to_string();
    let experiment =
        Experiment::parse(&folder.experiment, &toml, None).map_err(TrainerError::from)?;
    let spec = experiment.run.get(run);
    let recipe = experiment
        .recipe(spec.and_then(|spec| spec.recipe.as_deref()))
        .map_err(|problem| CommandError::NotAudited {
            file: toml.clone(),
            reason: problem.to_string(),
        })?;
    if recipe.optimizer != Optimizer::Sgd {
        return Err(CommandError::NotAudited {
            file: toml.clone(),
            reason: format!(
                "what norms tend to is known for \"sgd\", and the run was trained by \"{}\"; audit one of \"sgd\"",
                recipe.optimizer
            ),
        });
    }
    let decays = spec.is_some_and(|spec| spec.transform == Transform::Original);
    let path = args.log.join("records.jsonl");
    let file = path.display().to_string();
    let records = std::fs::read_to_string(&path).map_err(|source| CommandError::Input {
        file: file.clone(),
        source,
    })?;
    let source = RunSource {
        manifest: &folder.manifest,
        run,
        records: &records,
        file: &file,
    };
    let log = Log::from_run(source, |step| {
        let with = recipe.recipe.at(step);
        (if decays { with.weight_decay } else { 0.0 }, with.momentum)
    })?;
    Ok((log, Some(folder.manifest.steps_per_epoch.max(1))))
}
