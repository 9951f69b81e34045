//! The figures of the report: which curves, what the paper says of them, what to look at.

pub(crate) mod curves;
mod gap;
mod pair;
mod recipes;

use crate::chart::{Chart, Pictures, render};
use crate::error::ReportError;
use run_records::RunFolder;

/// A figure before it is drawn: panels that belong together.
pub(crate) struct Figure {
    /// Prefix of the names of its panels, and anchor in the page.
    pub(crate) id: &'static str,
    pub(crate) heading: &'static str,
    /// Who states something: the heading of the statement.
    pub(crate) stated_by: &'static str,
    /// What the paper, or the theory, states, in our words.
    pub(crate) statement: &'static str,
    /// What to look at.
    pub(crate) look: &'static str,
    pub(crate) panels: Vec<(Chart, &'static str)>,
}

/// A figure, drawn.
pub(crate) struct Drawn {
    pub(crate) id: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) stated_by: &'static str,
    pub(crate) statement: &'static str,
    pub(crate) look: &'static str,
    pub(crate) panels: Vec<Panel>,
}

/// One chart of a figure, drawn.
pub(crate) struct Panel {
    /// Its id is the name of the files in `figures/`, without `.svg` or `.png`.
    pub(crate) chart: Chart,
    pub(crate) caption: String,
    pub(crate) pictures: Pictures,
    /// The chart as JSON.
    pub(crate) data: String,
}

impl Panel {
    /// Draws a chart.
    pub(crate) fn draw(chart: Chart, caption: impl Into<String>) -> Result<Self, ReportError> {
        let data = chart.data().map_err(|error| ReportError::Drawing {
            figure: chart.id.clone(),
            source: Box::new(error),
        })?;
        Ok(Self {
            caption: caption.into(),
            pictures: render(&chart)?,
            data,
            chart,
        })
    }
}

/// Draws every figure that the runs of this folder allow.
pub(crate) fn draw_all(folder: &RunFolder) -> Result<Vec<Drawn>, ReportError> {
    let figures = [
        pair::figure(folder),
        Some(recipes::figure(folder)),
        gap::figure(folder),
    ];
    figures.into_iter().flatten().map(draw).collect()
}

fn draw(figure: Figure) -> Result<Drawn, ReportError> {
    let panels = figure.panels.into_iter();
    Ok(Drawn {
        id: figure.id,
        heading: figure.heading,
        stated_by: figure.stated_by,
        statement: figure.statement,
        look: figure.look,
        panels: panels
            .map(|(chart, caption)| Panel::draw(chart, caption))
            .collect::<Result<_, _>>()?,
    })
}
