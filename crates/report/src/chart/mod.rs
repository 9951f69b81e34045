//! A chart as data, and how it becomes SVG.

mod axis;
mod canvas;
mod data;
mod draw;
mod legend;
mod png;
mod style;
mod svg;
mod ticks;

pub(crate) use canvas::{COLOURS, Ink};
pub(crate) use style::FIGURE_STYLE;
pub use svg::to_svg;
pub(crate) use svg::{Pictures, render};

use crate::numbers::{power_of_ten, significant};
use crate::series::{Point, mean_and_range, straightened, thin, thin_band};

/// Columns of the widest plot area: more points than these tell nothing.
const COLUMNS: usize = 480;

/// Heights that a curve can have and a reader tell apart, when zoomed in a few times as well.
const HEIGHTS: f64 = 4000.0;

/// One chart: what is drawn, and what it is called.
#[derive(Clone, Debug, Default)]
pub struct Chart {
    /// Name of the file, and prefix of ids in the page.
    pub id: String,
    /// Quantity and unit.
    pub title: String,
    /// What the x-axis counts.
    pub x_label: String,
    /// How positions lie along the x-axis.
    pub x_scale: Scale,
    /// The x-axis goes from 0 to here, or further if a curve does; a logarithmic one only as far as curves do.
    pub x_end: f64,
    /// How the values of all curves become heights.
    pub y_scale: Scale,
    /// Drawn in order, the last on top.
    pub curves: Vec<Curve>,
    /// Positions along the x-axis where the recipe's rate jumps.
    pub marks: Vec<f64>,
}

/// How values become heights, or positions along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scale {
    /// In proportion.
    #[default]
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
    band: Vec<BandPoint>,
}

/// Where a band around a curve begins and ends: position along the axis, lowest, highest. A value that is not
/// finite is a hole.
pub type BandPoint = (f64, f64, f64);

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
            points: shown(&points),
            band: Vec::new(),
        }
    }

    /// The mean of several runs that differ in their seeds, with a band from the lowest of them to the highest.
    ///
    /// Where one of them has no value there is no mean, so a curve ends with the first that ends. On an axis of
    /// logarithms this is the mean of logarithms. Seeds that are all alike have no band.
    ///
    /// ```
    /// use report::{Curve, Stroke};
    ///
    /// let seeds = [vec![(0.0, 1.0), (1.0, 2.0)], vec![(0.0, 3.0), (1.0, 2.0)]];
    /// let curve = Curve::over_seeds(Some("two seeds".to_owned()), 0, Stroke::Solid, &seeds);
    /// assert!(curve.has_band());
    /// ```
    pub fn over_seeds(
        label: Option<String>,
        run: usize,
        stroke: Stroke,
        seeds: &[Vec<Point>],
    ) -> Self {
        let (mean, band) = mean_and_range(seeds);
        let curve = Self::new(label, run, stroke, mean);
        if band.iter().any(|(_, low, high)| low < high) {
            curve.with_band(band)
        } else {
            curve
        }
    }

    /// The curve with a band around it. Positions must not decrease.
    pub fn with_band(self, band: impl IntoIterator<Item = BandPoint>) -> Self {
        let band: Vec<BandPoint> = band.into_iter().collect();
        Self {
            band: thin_band(&band, COLUMNS),
            ..self
        }
    }

    /// Whether there is a band around it.
    pub fn has_band(&self) -> bool {
        !self.band.is_empty()
    }

    /// Points with a value, in order.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = Point> + '_ {
        self.points.iter().copied().filter(|(_, y)| y.is_finite())
    }

    /// Both edges of the band, where it has them.
    pub(crate) fn edges(&self) -> impl Iterator<Item = Point> + '_ {
        self.band
            .iter()
            .filter(|(_, low, high)| low.is_finite() && high.is_finite())
            .flat_map(|&(x, low, high)| [(x, low), (x, high)])
    }

    /// Stretches of the band without a hole.
    fn band_pieces(&self) -> impl Iterator<Item = &[BandPoint]> {
        self.band
            .split(|(_, low, high)| !(low.is_finite() && high.is_finite()))
            .filter(|piece| piece.len() > 1)
    }

    /// Stretches without a hole.
    fn pieces(&self) -> impl Iterator<Item = &[Point]> {
        self.points
            .split(|(_, y)| !y.is_finite())
            .filter(|piece| !piece.is_empty())
    }
}

/// What a screen can show of a series; all of it, if that is little.
fn shown(points: &[Point]) -> Vec<Point> {
    if points.len() <= COLUMNS {
        return thin(points, COLUMNS);
    }
    let thinned = thin(points, COLUMNS);
    let values = || {
        thinned
            .iter()
            .map(|point| point.1)
            .filter(|y| y.is_finite())
    };
    let low = values().fold(f64::INFINITY, f64::min);
    let high = values().fold(f64::NEG_INFINITY, f64::max);
    straightened(thinned, (high - low) / HEIGHTS)
}

impl Chart {
    /// The chart under this name and title.
    pub(crate) fn called(self, id: impl Into<String>, title: &str) -> Self {
        Self {
            id: id.into(),
            title: title.to_owned(),
            ..self
        }
    }

    /// Whether every value can stand on the other scale of the y-axis as well: above 0, and within floats.
    pub(crate) fn can_switch_scale(&self) -> bool {
        let fits = |(_, y): Point| match self.y_scale {
            Scale::Linear => y > 0.0,
            Scale::Log10 => y.abs() < 300.0,
        };
        let mut values = self
            .curves
            .iter()
            .flat_map(|curve| curve.values().chain(curve.edges()))
            .peekable();
        values.peek().is_some() && values.all(fits)
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
            if let Some(&(_, low, high)) = curve.band.last() {
                let (low, high) = (written(low), written(high));
                text.push_str(&format!(" Its seeds end between {low} and {high}."));
            }
        }
        text
    }
}
