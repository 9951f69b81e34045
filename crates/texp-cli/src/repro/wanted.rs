//! Which figures are made.

use std::fs;
use std::path::{Path, PathBuf};

use repro::Figure;
use trainer::TrainerError;
use trainer::run::check_cpu;

use super::ReproArgs;
use crate::{CommandError, DeviceChoice, device};

/// The names and files of the figures that are asked for: the paper's own, then others, in the order of their names.
pub(super) fn wanted_files(
    folder: &Path,
    args: &ReproArgs,
) -> Result<Vec<(String, PathBuf)>, CommandError> {
    let unreadable = |source| CommandError::Input {
        file: folder.display().to_string(),
        source,
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let stem = path
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        if let Some(stem) = stem
            && path
                .extension()
                .is_some_and(|extension| extension == "toml")
        {
            files.push((stem, path));
        }
    }
    // The paper's own first.
    files.sort_by_key(|(stem, _)| (!stem.starts_with("figure-"), stem.clone()));
    for figure in &args.figure {
        if !files.iter().any(|(stem, _)| is_called(stem, figure)) {
            return Err(CommandError::UnknownFigure {
                figure: figure.clone(),
                folder: folder.to_owned(),
                known: files.into_iter().map(|(stem, _)| stem).collect(),
            });
        }
    }
    let wanted = |stem: &str| {
        args.figure.is_empty() || args.figure.iter().any(|figure| is_called(stem, figure))
    };
    files.retain(|(stem, _)| wanted(stem));
    Ok(files)
}

/// Whether a figure's file is meant: by its name, or by a number alone.
fn is_called(stem: &str, figure: &str) -> bool {
    stem == figure || stem.strip_prefix("figure-") == Some(figure)
}

/// Reads the figures that train something, at the preset and in the precision that are asked for.
pub(super) fn read_figures(
    files: &[(String, PathBuf)],
    args: &ReproArgs,
) -> Result<Vec<Figure>, CommandError> {
    let mut figures = Vec::new();
    for (_, path) in files {
        let figure = Figure::read(path, Some(&args.preset))?;
        if args.figure.is_empty() && needs_absent_gpu(&figure, args.machine.device) {
            eprintln!(
                "The figure {} is left out: it is about formats that only a GPU multiplies in (--device cuda).",
                figure.id
            );
            continue;
        }
        figures.push(match args.precision {
            None => figure,
            Some(precision) => figure.at_precision(precision.arithmetic()),
        });
    }
    Ok(figures)
}

/// Whether it multiplies in a format of its own that nothing here does. A GPU that fails, or that is asked for and is not there,
/// is not taken for none.
fn needs_absent_gpu(figure: &Figure, choice: DeviceChoice) -> bool {
    let mut parts = figure.parts.iter().map(|part| &part.experiment);
    let rounded = parts.find(|experiment| check_cpu(experiment).is_err());
    rounded.is_some_and(|experiment| {
        let found = device::find(experiment, choice);
        matches!(found, Err(TrainerError::RoundedOnCpu { .. }))
    })
}
