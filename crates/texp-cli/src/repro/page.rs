//! What is said of figures: the report's page, and verdicts on a terminal.

use std::sync::Arc;

use claims::Verdict;
use report::{PaperFigure, PaperPanel, Reproduction};
use repro::{Figure, Judged};

use super::ReproArgs;

/// The page of some figures, which `command` with these arguments makes.
pub(super) fn page(
    args: &ReproArgs,
    command: &[&str],
    figures: &[Figure],
    judged: Vec<Judged>,
) -> Reproduction {
    let folders = judged.iter().flat_map(|judged| &judged.folders);
    let mut folders: Vec<_> = folders.map(Arc::clone).collect();
    folders.sort_by(|a, b| {
        a.manifest
            .experiment_sha256
            .cmp(&b.manifest.experiment_sha256)
    });
    folders.dedup_by(|a, b| a.manifest.experiment_sha256 == b.manifest.experiment_sha256);
    let sittings = || folders.iter().flat_map(|folder| &folder.sittings);
    let distinct = |mut texts: Vec<String>| {
        texts.sort();
        texts.dedup();
        texts.join("; ")
    };
    let sources = folders
        .iter()
        .map(|folder| folder.manifest.data.source.clone());
    let figure = |(figure, judged): (&Figure, Judged)| PaperFigure {
        id: figure.id.clone(),
        title: match figure.id.strip_prefix("figure-") {
            Some(number) => format!("Figure {number}: {}", figure.head.title),
            None => figure.head.title.clone(),
        },
        statement: figure.head.paper.clone().unwrap_or_default(),
        experiment: figure.text.clone(),
        command: args.command_line(command, std::slice::from_ref(&figure.id)),
        outcomes: judged.outcomes,
        runs: judged.runs,
        milestones: judged.milestones,
        panels: PaperPanel::all_recorded(),
    };
    Reproduction {
        title: "An exponential learning rate schedule for deep learning: every figure".to_owned(),
        preset: Some(args.preset.clone()),
        command: args.command_line(command, &args.figure),
        device: distinct(sittings().map(|sitting| sitting.device.clone()).collect()),
        commit: Some(distinct(
            sittings()
                .filter_map(|sitting| sitting.commit.clone())
                .collect(),
        ))
        .filter(|commit| !commit.is_empty()),
        seconds: Some(folders.iter().map(|folder| folder.seconds()).sum()),
        data_source: distinct(sources.collect()),
        figures: figures.iter().zip(judged).map(figure).collect(),
    }
}

/// Each claim with what became of it.
pub(super) fn verdicts(page: &Reproduction) -> String {
    let mut text = String::new();
    for figure in &page.figures {
        text += &format!("\n{} ({})\n", figure.title, figure.id);
        for outcome in &figure.outcomes {
            let verdict = match outcome.verdict {
                Verdict::Reproduced => "reproduced",
                Verdict::NotReproduced => "NOT REPRODUCED",
                Verdict::NotDecided => "not decided",
            };
            text += &format!(
                "  {verdict:<15} {}\n  {:<15} {}\n",
                outcome.says, "", outcome.evidence
            );
        }
    }
    text
}
