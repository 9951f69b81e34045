//! Draws a chart with plotters.

use std::convert::Infallible;
use std::iter::once;

use plotters::coord::cartesian::Cartesian2d;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::axis::Axis;
use super::canvas::{Canvas, Ink, UNIT, text_width};
use super::legend::{Entry, SAMPLE, place};
use super::{Chart, Curve, Scale, Stroke};
use crate::series::Point;

/// Width of a figure in units of its view box: large letters on a phone, two beside each other on a desk.
pub(crate) const WIDTH: u32 = 520;

/// Height of a figure without title and legend.
const PLOT_HEIGHT: u32 = 280;

const TITLE_SIZE: i32 = 17;
const LABEL_SIZE: i32 = 14;
const LEGEND_TOP: i32 = 30;
const LEGEND_ROW: i32 = 20;
const LEFT: i32 = 8;
const RIGHT: i32 = 24;

type Error = DrawingAreaErrorKind<Infallible>;
type Context<'a, 'b> = ChartContext<'a, Canvas<'b>, Cartesian2d<Axis, Axis>>;
type Area<'b> = DrawingArea<Canvas<'b>, plotters::coord::Shift>;

/// A chart, drawn: its elements without the `svg` element around them.
pub(crate) struct Drawing {
    pub(crate) body: String,
    /// In units of the view box. A long legend makes a figure higher, not its plot lower.
    pub(crate) height: u32,
}

/// Draws the chart.
pub(crate) fn draw(chart: &Chart) -> Result<Drawing, Error> {
    let labels = chart
        .curves
        .iter()
        .enumerate()
        .filter_map(|(index, curve)| Some((index, curve.label.as_deref()?)));
    let legend = place(labels, f64::from(LABEL_SIZE), WIDTH as i32 - LEFT - RIGHT);
    let rows = legend.last().map_or(0, |entry| entry.row + 1);
    let head = LEGEND_TOP + rows * LEGEND_ROW + 6;
    let height = head as u32 + PLOT_HEIGHT;
    let mut body = String::new();
    {
        let root = Canvas::new(&mut body, WIDTH, height).into_drawing_area();
        draw_head(&root, chart, &legend)?;
        let (_, plot) = root.split_vertically(head * UNIT);
        draw_plot(&plot, chart)?;
        root.present()?;
    }
    Ok(Drawing { body, height })
}

/// Title and legend.
fn draw_head(root: &Area<'_>, chart: &Chart, legend: &[Entry]) -> Result<(), Error> {
    let title = text_style(Ink::Title, TITLE_SIZE, HPos::Left, VPos::Top);
    let title = TextStyle {
        font: title.font.style(FontStyle::Bold),
        ..title
    };
    root.draw(&Text::new(
        chart.title.clone(),
        (LEFT * UNIT, 6 * UNIT),
        title,
    ))?;
    legend
        .iter()
        .try_for_each(|entry| draw_entry(root, chart, entry))
}

fn draw_entry(root: &Area<'_>, chart: &Chart, entry: &Entry) -> Result<(), Error> {
    let Some(curve) = chart.curves.get(entry.curve) else {
        return Ok(());
    };
    let y = (LEGEND_TOP + entry.row * LEGEND_ROW + LEGEND_ROW / 2) * UNIT;
    let x = (LEFT + entry.x) * UNIT;
    let ink = Ink::Curve(curve.run, curve.stroke);
    root.draw(&PathElement::new(
        vec![(x, y), (x + SAMPLE * UNIT, y)],
        ink.stroke(),
    ))?;
    let style = text_style(Ink::Label, LABEL_SIZE, HPos::Left, VPos::Center);
    root.draw(&Text::new(
        entry.label.clone(),
        ((LEFT + entry.text_x()) * UNIT, y),
        style,
    ))
}

fn draw_plot(plot: &Area<'_>, chart: &Chart) -> Result<(), Error> {
    let points = || chart.curves.iter().flat_map(Curve::values);
    let ends: &[f64] = match chart.x_scale {
        Scale::Linear => &[0.0, chart.x_end],
        Scale::Log10 => &[],
    };
    let positions = points().map(|point| point.0).chain(ends.iter().copied());
    let x = Axis::along(positions, chart.x_scale);
    let edges = chart.curves.iter().flat_map(Curve::edges);
    let y = Axis::around(points().chain(edges).map(|point| point.1), chart.y_scale);
    let widest = y
        .ticks
        .iter()
        .map(|tick| text_width(&tick.label))
        .fold(2.0, f64::max);
    let labels = (widest * f64::from(LABEL_SIZE)).ceil() as i32 + 10;
    let empty = points().next().is_none();
    let mut context = ChartBuilder::on(plot)
        .margin_left(LEFT * UNIT)
        .margin_right(RIGHT * UNIT)
        .margin_top(4 * UNIT)
        .margin_bottom(6 * UNIT)
        .x_label_area_size(40 * UNIT)
        .y_label_area_size(labels * UNIT)
        .build_cartesian_2d(x, y)?;
    draw_mesh(&mut context, chart)?;
    draw_marks(&mut context, chart)?;
    for curve in &chart.curves {
        draw_band(&mut context, curve)?;
    }
    for curve in &chart.curves {
        draw_curve(&mut context, curve)?;
    }
    if empty {
        let area = context.plotting_area().strip_coord_spec();
        let (width, height) = area.dim_in_pixel();
        let style = text_style(Ink::Label, LABEL_SIZE, HPos::Center, VPos::Center);
        let middle = (width as i32 / 2, height as i32 / 2);
        area.draw(&Text::new("nothing recorded", middle, style))?;
    }
    Ok(())
}

fn draw_mesh(context: &mut Context<'_, '_>, chart: &Chart) -> Result<(), Error> {
    let x_labels = text_style(Ink::Label, LABEL_SIZE, HPos::Center, VPos::Top);
    let y_labels = text_style(Ink::Label, LABEL_SIZE, HPos::Right, VPos::Center);
    context
        .configure_mesh()
        .bold_line_style(Ink::Grid.stroke())
        .axis_style(Ink::Axis.stroke())
        .disable_x_mesh()
        .set_tick_mark_size(LabelAreaPosition::Bottom, 4 * UNIT)
        .set_tick_mark_size(LabelAreaPosition::Left, 6 * UNIT)
        .x_label_style(x_labels.clone())
        .y_label_style(y_labels)
        .axis_desc_style(x_labels)
        .x_desc(chart.x_label.as_str())
        .draw()
}

/// Thin verticals where the recipe's rate jumps.
fn draw_marks(context: &mut Context<'_, '_>, chart: &Chart) -> Result<(), Error> {
    let (x, y) = (context.x_range(), context.y_range());
    for &mark in chart
        .marks
        .iter()
        .filter(|&&mark| x.start < mark && mark < x.end)
    {
        let ends = vec![(mark, y.start), (mark, y.end)];
        context.draw_series(once(PathElement::new(ends, Ink::Milestone.stroke())))?;
    }
    Ok(())
}

/// Below all curves, so that none is hidden.
fn draw_band(context: &mut Context<'_, '_>, curve: &Curve) -> Result<(), Error> {
    for piece in curve.band_pieces() {
        let above = piece.iter().map(|&(x, _, high)| (x, high));
        let below = piece.iter().rev().map(|&(x, low, _)| (x, low));
        let outline: Vec<Point> = above.chain(below).collect();
        context.draw_series(once(Polygon::new(outline, Ink::Band(curve.run).fill())))?;
    }
    Ok(())
}

fn draw_curve(context: &mut Context<'_, '_>, curve: &Curve) -> Result<(), Error> {
    let ink = Ink::Curve(curve.run, curve.stroke);
    for piece in curve.pieces() {
        // A point alone would be a line without length.
        if let [point] = piece {
            let radius = if curve.stroke == Stroke::Broad { 5 } else { 3 } * UNIT;
            context.draw_series(once(Circle::new(*point, radius, ink.fill())))?;
        } else {
            context.draw_series(once(PathElement::new(piece.to_vec(), ink.stroke())))?;
        }
    }
    Ok(())
}

fn text_style(ink: Ink, size: i32, horizontal: HPos, vertical: VPos) -> TextStyle<'static> {
    let font = ("sans-serif", size * UNIT).into_font();
    TextStyle {
        font,
        color: ink.colour().to_backend_color(),
        pos: Pos::new(horizontal, vertical),
    }
}
