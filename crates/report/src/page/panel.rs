//! A chart in the page: still, and what the script needs to make it interactive.

use maud::{Markup, PreEscaped, html};

use crate::chart::{Chart, Curve, Ink};
use crate::figures::Panel;

/// How an interactive chart is used, once for all of them.
const HELP: &str = "help";

/// Charts beside each other.
pub(super) fn all(panels: &[Panel]) -> Markup {
    html! { div.panels { @for panel in panels { (one(panel)) } } }
}

/// How charts are used. Only a page with a script that runs shows it.
pub(super) fn help() -> Markup {
    html! {
        p.help.live id=(HELP) {
            "Drag across a chart to zoom in, or pinch; click it and turn the wheel; double-click for the whole. With the \
             keyboard: ← and → read values, with Shift in larger steps, + and − zoom, 0 shows the whole. A button of the \
             legend hides its run in all charts of the figure."
        }
    }
}

fn one(panel: &Panel) -> Markup {
    let chart = &panel.chart;
    let named = || {
        let curves = chart.curves.iter();
        curves.filter_map(|curve| Some((curve, curve.label.as_deref()?)))
    };
    html! {
        figure.panel {
            div.live {
                div.head {
                    p.title aria-hidden="true" { (chart.title) }
                    (tools(chart))
                }
                ul.legend {
                    @for (curve, label) in named() {
                        li { button type="button" aria-pressed="true" { (sample(curve)) (label) } }
                    }
                }
                div.surface tabindex="0" role="application" aria-roledescription="interactive chart"
                    aria-label=(chart.title) aria-describedby={ (chart.id) "-desc " (HELP) } {
                    svg.chart aria-hidden="true" {}
                    div.reading aria-hidden="true" hidden {
                        p {}
                        @for (curve, label) in named() {
                            p { (sample(curve)) strong {} " " span { (label) } }
                        }
                    }
                }
                p.status.unseen role="status" {}
            }
            div.still { (PreEscaped(&panel.pictures.inline)) }
            script.data type="application/json" { (PreEscaped(&panel.data)) }
            figcaption { (panel.caption) }
        }
    }
}

fn tools(chart: &Chart) -> Markup {
    let is_log = match chart.y_scale {
        crate::Scale::Linear => "false",
        crate::Scale::Log10 => "true",
    };
    html! {
        div.tools role="group" aria-label={ "View of " (chart.title) } {
            @if chart.can_switch_scale() {
                button type="button" data-action="log" aria-pressed=(is_log)
                    aria-label="Log y: logarithmic y-axis" { "Log y" }
            }
            @if chart.curves.iter().any(Curve::has_band) {
                button type="button" data-action="bands" aria-pressed="true"
                    aria-label="Bands of seeds" { "Bands" }
            }
            button type="button" data-action="out" aria-label="Zoom out" { "−" }
            button type="button" data-action="in" aria-label="Zoom in" { "+" }
            button type="button" data-action="reset" aria-label="Reset zoom" { "Reset" }
        }
    }
}

/// What a curve looks like.
fn sample(curve: &Curve) -> Markup {
    let classes = Ink::Curve(curve.run, curve.stroke).classes();
    html! {
        svg.chart.sample viewBox="0 0 26 12" aria-hidden="true" {
            path class=(classes) d="M0 6H26" {}
        }
    }
}
