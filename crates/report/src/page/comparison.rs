//! The page of runs that are shown together.

use maud::{Markup, html};

use super::{footer, page, panel};
use crate::chart::COLOURS;
use crate::comparison::ComparedRun;
use crate::figures::Panel;
use crate::numbers::{fixed, percent, thousands};
use run_records::Ending;

/// The page.
pub(crate) fn render(runs: &[ComparedRun<'_>], labels: &[String], panels: &[Panel]) -> String {
    let title = format!("{} runs compared", runs.len());
    let body = html! {
        header {
            p.kicker { "Comparison" }
            h1 { (title) }
            p.lead {
                "Runs of any experiments, in one picture. Before a difference between two means anything, see below that \
                 data, network and steps are what you think they are."
            }
        }
        main {
            section id="runs" {
                h2 { "Runs" }
                (endings(runs, labels))
                (panel::help())
            }
            section id="curves" { h2 { "Curves" } (panel::all(panels)) }
            section id="facts" {
                h2 { "How they were made" }
                (origins(runs, labels))
            }
        }
        (footer(html! { "Long series are thinned to their extremes in each column of a figure." }))
    };
    page(&title, &body)
}

fn endings(runs: &[ComparedRun<'_>], labels: &[String]) -> Markup {
    table(
        "Last values of each run",
        &[
            "Run",
            "Epochs",
            "Train loss",
            "Train accuracy",
            "Test loss",
            "Test accuracy",
        ],
        runs,
        labels,
        |run| {
            let last = run.records().epochs.last();
            html! {
                @match last {
                    Some(last) => {
                        td { (last.epoch) }
                        td { (fixed(last.train_loss, 3)) }
                        td { (percent(last.train_accuracy)) }
                        td { (fixed(last.test_loss, 3)) }
                        td { strong { (percent(last.test_accuracy)) } }
                    }
                    None => { td { "0" } @for _ in 0..4 { td { "–" } } }
                }
            }
        },
    )
}

fn origins(runs: &[ComparedRun<'_>], labels: &[String]) -> Markup {
    let columns = [
        "Run",
        "Experiment",
        "Data",
        "Network",
        "Steps",
        "Device, software, command",
    ];
    table("How each run was made", &columns, runs, labels, |run| {
        let manifest = &run.folder.manifest;
        html! {
            td.words-in-cell { (manifest.experiment) @if let Some(preset) = &manifest.preset { ", preset " (preset) } }
            td.words-in-cell { (manifest.data.source) }
            td.words-in-cell { (manifest.network.name) }
            td {
                (thousands(manifest.steps)) " × " (thousands(manifest.batch_size as u64))
                @if run.folder.ending != Ending::Finished { br; "not complete" }
            }
            td.words-in-cell {
                @if let Some(sitting) = run.folder.sittings.first() {
                    (sitting.device) ", "
                    (super::facts::commit(sitting.commit.as_deref())) ", "
                    code { (sitting.command) }
                }
            }
        }
    })
}

/// A row for each run, under its label.
fn table(
    name: &str,
    columns: &[&str],
    runs: &[ComparedRun<'_>],
    labels: &[String],
    cells: impl Fn(&ComparedRun<'_>) -> Markup,
) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label=(name) {
            table {
                thead { tr { @for column in columns { th scope="col" { (column) } } } }
                tbody {
                    @for (place, (run, label)) in runs.iter().zip(labels).enumerate() {
                        tr {
                            th scope="row" {
                                span class={ "swatch run-" (place % COLOURS) } aria-hidden="true" {}
                                (label)
                            }
                            (cells(run))
                        }
                    }
                }
            }
        }
    }
}
