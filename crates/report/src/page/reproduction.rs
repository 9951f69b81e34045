//! The page of a whole reproduction.

use maud::{Markup, html};

use super::facts::{commit, fact, toml};
use super::{footer, page, panel};
use crate::numbers::duration;
use crate::reproduction::{Count, Reproduction, Section};
use claims::{Outcome, Verdict};

/// The page.
pub(crate) fn render(reproduction: &Reproduction, figures: &[Section<'_>]) -> String {
    let body = html! {
        header {
            p.kicker {
                "Reproduction"
                @if let Some(preset) = &reproduction.preset { " · preset " (preset) }
            }
            h1 { (reproduction.title) }
            p.lead {
                "What the paper claims of each figure, and what runs of the same experiments say of it, with the curves \
                 to look at and the command to do it again."
            }
            p.source { strong { "Data: " } (reproduction.data_source) }
        }
        main {
            (summary(figures))
            (made(reproduction))
            (panel::help())
            @for figure in figures { (section(figure)) }
        }
        (footer(html! {
            "Long series are thinned to their extremes in each column of a figure. " code { "claims.csv" }
            " has every claim with its verdict, " code { "epochs.csv" } " what each run came to after every epoch, and "
            code { "figures/" } " each figure by itself."
        }))
    };
    page(&reproduction.title, &body)
}

/// A row for each claim, under its figure.
fn summary(figures: &[Section<'_>]) -> Markup {
    let count = Count::of(figures.iter().flat_map(|figure| &figure.figure.outcomes));
    html! {
        section id="verdicts" {
            h2 { "Verdicts" }
            p.count {
                strong { (count.reproduced) " of " (count.all()) " claims reproduced" }
                ", " (count.not_reproduced) " not reproduced, " (count.not_decided) " not decided."
            }
            div.scroll tabindex="0" role="region" aria-label="Verdict on each claim" {
                table.verdicts {
                    thead {
                        tr {
                            th scope="col" { "Figure" }
                            th scope="col" { "Claim" }
                            th scope="col" { "Verdict" }
                            th scope="col" { "Evidence" }
                        }
                    }
                    @for figure in figures { (rows(figure)) }
                }
            }
        }
    }
}

fn rows(section: &Section<'_>) -> Markup {
    let outcomes = &section.figure.outcomes;
    let link = html! { a href={ "#" (section.anchor) } { (section.figure.title) } };
    html! {
        tbody {
            @for (place, outcome) in outcomes.iter().enumerate() {
                tr {
                    @if place == 0 { th scope="rowgroup" rowspan=(outcomes.len()) { (link) } }
                    td { (outcome.says) }
                    td { (badge(outcome.verdict)) }
                    td.evidence { (outcome.evidence) }
                }
            }
            @if outcomes.is_empty() {
                tr { th scope="row" { (link) } td colspan="3" { "nothing is claimed of it" } }
            }
        }
    }
}

/// The verdict: a sign, so that it does not hang on a colour, and the words.
fn badge(verdict: Verdict) -> Markup {
    let (class, sign) = match verdict {
        Verdict::Reproduced => ("yes", "✓"),
        Verdict::NotReproduced => ("no", "✗"),
        Verdict::NotDecided => ("open", "?"),
    };
    html! { span class={ "badge " (class) } { span aria-hidden="true" { (sign) } " " (verdict) } }
}

fn made(reproduction: &Reproduction) -> Markup {
    html! {
        section id="facts" {
            h2 { "How it was made" }
            dl.facts {
                (fact("Command to redo it", html! { code { (reproduction.command) } }))
                (fact("Device", html! { (reproduction.device) }))
                (fact("Time", match reproduction.seconds {
                    Some(seconds) => html! { (duration(seconds)) ", all runs together" },
                    None => html! { "unknown: not every run is complete" },
                }))
                (fact("Software", commit(reproduction.commit.as_deref())))
            }
        }
    }
}

fn section(section: &Section<'_>) -> Markup {
    let figure = section.figure;
    html! {
        section id=(section.anchor) {
            h2 { (figure.title) }
            div.words {
                div { h3 { "The paper's statement" } p { (figure.statement) } }
                div { h3 { "What came out" } (outcomes(&figure.outcomes)) }
            }
            (panel::all(&section.panels))
            dl.facts { (fact("Command to redo it", html! { code { (figure.command) } })) }
            (toml(&figure.experiment))
        }
    }
}

fn outcomes(outcomes: &[Outcome]) -> Markup {
    html! {
        @if outcomes.is_empty() { p { "Nothing is claimed of it." } }
        ul.outcomes {
            @for outcome in outcomes {
                li {
                    (badge(outcome.verdict)) " " (outcome.says) " "
                    span.evidence { (outcome.evidence) }
                }
            }
        }
    }
}
