//! A chart as data, and how it becomes SVG.

mod axis;
mod canvas;
mod draw;
mod legend;
mod svg;
mod ticks;

pub(crate) use canvas::COLOURS;
pub use svg::to_svg;
pub(crate) use svg::{FIGURE_STYLE, render};

use crate::numbers::{power_of_ten, significant};
use crate::series::{Point, thin};

/// Columns of the widest plot area: more points than these tell nothing.
const COLUMNS: usize = 480;

/// One chart: what is drawn, and what it is called.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Name of the file, and prefix of ids in the page.
    pub id: &'static str,
    /// Quantity and unit.
    pub title: &'static str,
    /// What the x-axis counts.
    pub x_label: &'static str,
    /// The x-axis goes from 0 to here, or further if a curve does.
    pub x_end: f64,
    /// How the values of all curves become heights.
    pub y_scale: Scale,
    /// Drawn in order, the last on top.
    pub curves: Vec<Curve>,
    /// Positions along the x-axis where the recipe's rate jumps.
    pub marks: Vec<f64>,
}

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// In proportion.
    Linear,
    /// Curves hold `log10` of their values, which may be beyond floats themselves.
    Log10,
}

/// One curve.
#[derive(Clone, Debug)]
pub struct Curve {
    /// For the legend; without, the curve belongs to another that has one.
    pub label: Option<String>,
    /// Index of the run, which gives the colour.
    pub run: usize,
    /// How it is stroked.
    pub stroke: Stroke,
    points: Vec<Point>,
}

/// How a curve is stroked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Broad and light: another curve on top of it stays visible when both coincide.
    Broad,
    /// Thin and dashed, with a pattern of its own.
    Dashed(u8),
    /// A plain line.
    Solid,
    /// Hair-thin and pale: single steps behind their mean.
    Faint,
}

impl Curve {
    /// A curve of these points, thinned. Positions must not decrease.
    pub fn new(
        label: Option<String>,
        run: usize,
        stroke: Stroke,
        points: impl IntoIterator<Item = Point>,
    ) -> Self {
        let points: Vec<Point> = points.into_iter().collect();
        Self {
            label,
            run,
            stroke,
            points: thin(&points, COLUMNS),
        }
    }

    /// Points with a value, in order.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = Point> + '_ {
        self.points.iter().copied().filter(|(_, y)| y.is_finite())
    }

    /// Stretches without a hole.
    fn pieces(&self) -> impl Iterator<Item = &[Point]> {
        self.points
            .split(|(_, y)| !y.is_finite())
            .filter(|piece| !piece.is_empty())
    }
}

impl Chart {
    /// The chart under this name and title.
    pub(crate) fn called(self, id: &'static str, title: &'static str) -> Self {
        Self { id, title, ..self }
    }

    /// The chart in words, for those who do not see it.
    pub(crate) fn description(&self) -> String {
        let written = |y| match self.y_scale {
            Scale::Linear => significant(y),
            Scale::Log10 => power_of_ten(y),
        };
        let mut text = format!("{}, against {}.", self.title, self.x_label);
        for curve in &self.curves {
            let Some(label) = &curve.label else { continue };
            let (Some((_, first)), Some((_, last))) =
                (curve.values().next(), curve.values().next_back())
            else {
                text.push_str(&format!(" {label}: no values."));
                continue;
            };
            let low = curve
                .values()
                .map(|point| point.1)
                .fold(f64::INFINITY, f64::min);
            let high = curve
                .values()
                .map(|point| point.1)
                .fold(f64::NEG_INFINITY, f64::max);
            let [first, last, low, high] = [first, last, low, high].map(written);
            text.push_str(&format!(
                " {label}: from {first} to {last}, lowest {low}, highest {high}."
            ));
        }
        text
    }
}
