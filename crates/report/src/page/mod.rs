//! The page.

pub(crate) mod comparison;
mod facts;
mod panel;
pub(crate) mod reproduction;
mod results;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::chart::FIGURE_STYLE;
use crate::figures::Drawn;
use crate::numbers::thousands;
use run_records::{Ending, RunFolder};

const PAGE_STYLE: &str = include_str!("page.css");

/// Makes charts interactive.
const SCRIPT: &str = include_str!("interactive.js");

/// What a browser may load for the page: nothing but what is in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/// A whole page: it needs no other file and no network, and its first line forbids any.
fn page(title: &str, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(FIGURE_STYLE)) (PreEscaped(PAGE_STYLE)) }
            }
            body {
                (body)
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// The page of one run folder.
pub(crate) fn render(folder: &RunFolder, figures: &[Drawn]) -> String {
    let manifest = &folder.manifest;
    let body = html! {
        header {
            p.kicker { "Report of a training run · " (manifest.experiment) }
            h1 { (manifest.title) }
            p.lead {
                "On a network that does not feel the scale of its weights, SGD with weight decay visits the same \
                 functions as SGD without it at an exponentially growing learning rate. Below: one recipe and its \
                 counterparts, trained on the same batches."
            }
            p.source { strong { "Data: " } (manifest.data.source) }
            (unfinished(folder))
        }
        main {
            (facts::section(folder))
            (results::section(folder))
            (panel::help())
            @for figure in figures { (figure_section(figure)) }
            (facts::experiment(folder))
        }
        (footer(html! {
            "Long series are thinned to their extremes in each column of the figure; " code { "records.jsonl" }
            " has every step, " code { "epochs.csv" } " every epoch, and " code { "figures/" } " each figure as SVG."
        }))
    };
    page(&format!("{} – report", manifest.experiment), &body)
}

fn unfinished(folder: &RunFolder) -> Markup {
    let Ending::Unfinished { cut_line } = folder.ending else {
        return html! {};
    };
    let steps = thousands(folder.manifest.steps);
    html! {
        p.warning role="note" {
            strong { "This run is not complete. " }
            @match folder.last_step() {
                Some(step) => {
                    "The records end at step " (thousands(step)) " of " (steps) ", without the line \
                     that ends a complete run: it was stopped, or is still running. "
                }
                None => { "Not one step of " (steps) " was recorded. " }
            }
            @if let Some(line) = cut_line {
                "Line " (thousands(line)) " of the records is cut in the middle and was left out. "
            }
            "“Final” below means the last that was recorded."
        }
    }
}

fn figure_section(figure: &Drawn) -> Markup {
    html! {
        section id=(figure.id) {
            h2 { (figure.heading) }
            div.words {
                div { h3 { (figure.stated_by) } p { (figure.statement) } }
                div { h3 { "What to look at" } p { (figure.look) } }
            }
            (panel::all(&figure.panels))
        }
    }
}

fn footer(about: Markup) -> Markup {
    html! {
        footer {
            p {
                "After Zhiyuan Li and Sanjeev Arora, "
                em { "An Exponential Learning Rate Schedule for Deep Learning" }
                ", ICLR 2020, arXiv:1910.07454. " (about)
            }
        }
    }
}
