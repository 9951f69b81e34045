//! What came out: a table of all runs, and sentences.

use std::f64::consts::LN_10;

use maud::{Markup, html};

use crate::numbers::{fixed, percent, power_of_ten};
use crate::summary::{Outcome, findings, outcomes};
use run_records::RunFolder;

/// The section.
pub(super) fn section(folder: &RunFolder) -> Markup {
    let outcomes = outcomes(folder);
    html! {
        section id="results" {
            h2 { "Results" }
            div.scroll tabindex="0" role="region" aria-label="Final values of each run" {
                table.results {
                    thead {
                        tr {
                            th scope="col" { "Run" }
                            th scope="col" { "Epochs" }
                            th scope="col" { "Train loss" }
                            th scope="col" { "Train accuracy" }
                            th scope="col" { "Test loss" }
                            th scope="col" { "Test accuracy" }
                            th scope="col" { "Difference from twin, points" }
                            th scope="col" { "Last rate η" }
                            th scope="col" { "ln η" }
                        }
                    }
                    tbody {
                        @for (index, outcome) in outcomes.iter().enumerate() { (row(index, outcome)) }
                    }
                }
            }
            @for finding in findings(folder) {
                h3 { (finding.label) }
                ul { @for sentence in &finding.sentences { li { (sentence) } } }
            }
        }
    }
}

fn row(index: usize, outcome: &Outcome<'_>) -> Markup {
    let swatch = format!("swatch run-{}", index % crate::chart::COLOURS);
    let ln_rate = outcome.ln_rate();
    html! {
        tr {
            th scope="row" {
                span class=(swatch) aria-hidden="true" {}
                (outcome.run.record.label)
                @if let Some(twin) = outcome.twin {
                    span.twin { "twin of " (twin.record.label) }
                }
            }
            @match outcome.last() {
                Some(last) => {
                    td { (last.epoch) }
                    td { (fixed(last.train_loss, 3)) }
                    td { (percent(last.train_accuracy)) }
                    td { (fixed(last.test_loss, 3)) }
                    td { strong { (percent(last.test_accuracy)) } }
                }
                None => {
                    td { "0" }
                    @for _ in 0..4 { td { "–" } }
                }
            }
            td { (difference(outcome)) }
            td { (power_of_ten(ln_rate / LN_10)) }
            td { (fixed(ln_rate, 3)) }
        }
    }
}

/// Test accuracy less the twin's after the last epoch that both have, with its sign.
fn difference(outcome: &Outcome<'_>) -> String {
    let Some((own, other)) = outcome.last_common() else {
        return "–".to_owned();
    };
    let points = 100.0 * (own.test_accuracy - other.test_accuracy);
    let sign = if points >= 0.05 { "+" } else { "" };
    format!("{sign}{}", fixed((points * 10.0).round() / 10.0, 1))
}
