//! The drawing itself.

use std::collections::HashMap;

use maud::{Markup, PreEscaped, html};

use super::diagram::{Diagram, Edge, Node};
use super::grid::{BOX_HEIGHT, Drawn, GAP, Grid, HEADER, LINE, MARGIN, PADDING};
use super::layout::{Layout, Made};
use super::lines::drawable;

const STYLE: &str = include_str!("drawing.css");

const LEGEND: &str = "Weights are multiplied by c^d, tensors then are by c^k: d is told after a weight, k on a line.";

/// Inputs of a box up to which each has room for its degree.
const MOST_LABELS: usize = 3;

/// A line from a box to another one.
struct Line {
    path: String,
    /// Where its degree stands at its end, if it comes from afar.
    label: Option<(f64, f64)>,
}

pub(super) fn drawn(diagram: &Diagram, layout: &Layout, title: &str) -> String {
    let grid = Grid::of(diagram, layout);
    let exits = exits(diagram, &grid);
    let title = drawable(title);
    let width = grid
        .width
        .max(MARGIN * 2.0 + LEGEND.chars().count() as f64 * 6.7);
    let drawing = html! {
        svg xmlns="http://www.w3.org/2000/svg" class="network" role="img" aria-label=(title)
            width=(number(width)) height=(number(grid.height))
            viewBox={ "0 0 " (number(width)) " " (number(grid.height)) } {
            title { (title) }
            style { (PreEscaped(STYLE)) }
            defs {
                marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto" {
                    path d="M0 0L8 4L0 8z" {}
                }
            }
            rect class="paper" width="100%" height="100%" {}
            text class="kind" x=(MARGIN) y=(MARGIN + LINE) { (title) }
            text class="beside" x=(MARGIN) y=(MARGIN + HEADER / 2.0 + LINE / 2.0) { (LEGEND) }
            @for (at, layer) in diagram.boxes.iter().enumerate() {
                (lines(diagram, layout, &grid, &exits, at))
                (drawn_box(layer, &grid.boxes[at]))
            }
            @for (from, tensor) in sorted(&exits) {
                @let (x, edge) = &exits[&(from, tensor)];
                (label(*x, grid.boxes[from].bottom() + LINE, edge))
            }
        }
    };
    drawing.into_string() + "\n"
}

/// Where each tensor leaves its box.
type Exits<'a> = HashMap<Made, (f64, &'a Edge)>;

fn exits<'a>(diagram: &'a Diagram, grid: &Grid) -> Exits<'a> {
    let mut leaving: Vec<Vec<&Edge>> = vec![Vec::new(); diagram.boxes.len()];
    let mut exits = Exits::new();
    for edge in diagram.boxes.iter().flat_map(|layer| &layer.reads) {
        if exits
            .insert((edge.from, edge.tensor), (0.0, edge))
            .is_none()
        {
            leaving[edge.from].push(edge);
        }
    }
    for (drawn, edges) in grid.boxes.iter().zip(leaving) {
        for (place, edge) in edges.iter().enumerate() {
            let x = port(drawn, place, edges.len());
            exits.insert((edge.from, edge.tensor), (x, edge));
        }
    }
    exits
}

/// In an order that is always the same.
fn sorted(exits: &Exits<'_>) -> Vec<Made> {
    let mut keys: Vec<Made> = exits.keys().copied().collect();
    keys.sort_unstable();
    keys
}

/// The place of one of several lines along a box.
fn port(drawn: &Drawn, place: usize, count: usize) -> f64 {
    drawn.left + drawn.width * (place as f64 + 0.5) / count as f64
}

fn lines(diagram: &Diagram, layout: &Layout, grid: &Grid, exits: &Exits<'_>, at: usize) -> Markup {
    let layer = &diagram.boxes[at];
    // From left to right as they come in, so that they do not cross.
    let mut reads: Vec<(f64, &Edge)> = layer
        .reads
        .iter()
        .map(|edge| (comes_in(layout, grid, exits, at, edge), edge))
        .collect();
    reads.sort_by(|one, other| one.0.total_cmp(&other.0));
    let count = reads.len();
    let lines: Vec<(Line, &Edge)> = reads
        .into_iter()
        .enumerate()
        .map(|(place, (_, edge))| {
            let x = port(&grid.boxes[at], place, count);
            (line(layout, grid, exits, at, edge, x), edge)
        })
        .collect();
    html! {
        @for (line, edge) in &lines {
            path class="line" d=(line.path) marker-end="url(#arrow)" { title { (drawable(&edge.told)) } }
            @if let Some((x, y)) = line.label {
                @if count <= MOST_LABELS { (label(x, y, edge)) }
            }
        }
    }
}

/// Where an edge is before it turns to its end.
fn comes_in(layout: &Layout, grid: &Grid, exits: &Exits<'_>, at: usize, edge: &Edge) -> f64 {
    let key = (edge.from, edge.tensor);
    let is_next = layout.places[at].0 == layout.places[edge.from].0 + 1;
    match layout.passes.get(&key) {
        Some(&lane) if !is_next => grid.lanes[lane],
        _ => exits.get(&key).map_or(0.0, |exit| exit.0),
    }
}

fn line(layout: &Layout, grid: &Grid, exits: &Exits<'_>, at: usize, edge: &Edge, end: f64) -> Line {
    let (from, to) = (&grid.boxes[edge.from], &grid.boxes[at]);
    let start = exits
        .get(&(edge.from, edge.tensor))
        .map_or(from.centre(), |exit| exit.0);
    let (first, last) = (layout.places[edge.from].0, layout.places[at].0);
    let passes = comes_in(layout, grid, exits, at, edge);
    let mut path = format!("M{} {}", number(start), number(from.bottom()));
    let mut x = start;
    let mut turn = |path: &mut String, top: f64, to: f64, bottom: f64| {
        let (upper, lower) = (top + GAP / 2.0, bottom - GAP / 2.0);
        path.push_str(&format!(
            "V{}C{} {} {} {} {} {}",
            number(top),
            number(x),
            number(upper),
            number(to),
            number(lower),
            number(to),
            number(bottom)
        ));
        x = to;
    };
    // Boxes end where their rank does, or above.
    turn(
        &mut path,
        grid.ranks[first].1,
        if last > first + 1 { passes } else { end },
        grid.ranks[first + 1].0,
    );
    if last > first + 1 {
        turn(&mut path, grid.ranks[last - 1].1, end, to.top);
    }
    Line {
        path,
        label: (last > first + 1).then_some((end, to.top - LINE)),
    }
}

fn drawn_box(layer: &Node, drawn: &Drawn) -> Markup {
    let class = match (
        &layer.violation,
        layer.reads.is_empty(),
        layer.kind.as_str(),
    ) {
        (Some(_), _, _) => "broken",
        (None, true, _) | (None, _, "result") => "end",
        _ => "layer",
    };
    let (centre, beside) = (
        number(drawn.centre()),
        number(drawn.left + drawn.width + PADDING),
    );
    let line = |place: usize| number(drawn.top + LINE * (place as f64 + 0.8));
    html! {
        g class=(class) {
            title { (drawable(&layer.name)) }
            rect class="box" x=(number(drawn.left)) y=(number(drawn.top)) rx="5"
                width=(number(drawn.width)) height=(number(BOX_HEIGHT)) {}
            text class="kind middle" x=(centre) y=(number(drawn.top + 17.0)) { (drawable(&layer.kind)) }
            text class="middle" x=(centre) y=(number(drawn.top + 32.0)) { (drawn.name) }
            @for (place, weight) in drawn.weights.iter().enumerate() {
                text class="beside" x=(beside) y=(line(place)) { (weight) }
            }
            @for (place, words) in drawn.violation.iter().enumerate() {
                text class="violation" x=(beside) y=(line(drawn.weights.len() + place)) { (words) }
            }
        }
    }
}

fn label(x: f64, y: f64, edge: &Edge) -> Markup {
    let class = if edge.degree == "0" {
        "degree"
    } else {
        "degree scaled"
    };
    html! {
        text class=(class) x=(number(x + 5.0)) y=(number(y)) {
            title { (drawable(&edge.told)) }
            (edge.degree)
        }
    }
}

/// With as many digits as can be seen.
fn number(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}
