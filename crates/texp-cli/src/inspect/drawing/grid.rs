//! From ranks and lanes to coordinates, in pixels.

use super::diagram::{Diagram, Node};
use super::layout::Layout;
use super::lines::{shortened, wrapped};

/// Width of a character of a layer's kind, and of any other text.
const KIND_CHARACTER: f64 = 7.9;
const CHARACTER: f64 = 6.7;

/// Characters of a name, and of a line beside a box.
const MOST_NAME: usize = 34;
const MOST_BESIDE: usize = 46;

/// Distances: around all, of lines of text, from rank to rank, and of lanes in which things only pass.
pub(super) const MARGIN: f64 = 16.0;
pub(super) const LINE: f64 = 15.0;
pub(super) const GAP: f64 = 48.0;
const PASSING: f64 = 22.0;

pub(super) const HEADER: f64 = 52.0;
pub(super) const BOX_HEIGHT: f64 = 40.0;
const LEAST_BOX_WIDTH: f64 = 112.0;
/// Of a box's border from texts, inside and beside.
pub(super) const PADDING: f64 = 9.0;

/// A box as it is drawn.
pub(super) struct Drawn {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) name: String,
    /// Lines beside it: weights, then what breaks the scaling.
    pub(super) weights: Vec<String>,
    pub(super) violation: Vec<String>,
}

/// Where everything is.
pub(super) struct Grid {
    pub(super) boxes: Vec<Drawn>,
    /// Top and bottom of each rank.
    pub(super) ranks: Vec<(f64, f64)>,
    /// Where things pass in each lane.
    pub(super) lanes: Vec<f64>,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Drawn {
    fn of(layer: &Node) -> Self {
        let name = shortened(&layer.name, MOST_NAME);
        let texts = [
            layer.kind.chars().count() as f64 * KIND_CHARACTER,
            name.chars().count() as f64 * CHARACTER,
        ];
        let weight = |(name, rest): &(String, String)| {
            let most = MOST_BESIDE.saturating_sub(rest.chars().count() + 1).max(12);
            format!("{} {rest}", shortened(name, most))
        };
        let violation = layer.violation.as_deref().unwrap_or_default();
        Self {
            left: 0.0,
            top: 0.0,
            width: (texts[0].max(texts[1]) + 2.0 * PADDING).max(LEAST_BOX_WIDTH),
            name,
            weights: layer.weights.iter().map(weight).collect(),
            violation: wrapped(violation, MOST_BESIDE),
        }
    }

    fn beside(&self) -> impl Iterator<Item = &String> {
        self.weights.iter().chain(&self.violation)
    }

    fn height(&self) -> f64 {
        BOX_HEIGHT.max(self.beside().count() as f64 * LINE)
    }

    pub(super) fn centre(&self) -> f64 {
        self.left + self.width / 2.0
    }

    pub(super) fn bottom(&self) -> f64 {
        self.top + BOX_HEIGHT
    }
}

impl Grid {
    pub(super) fn of(diagram: &Diagram, layout: &Layout) -> Self {
        let mut boxes: Vec<Drawn> = diagram.boxes.iter().map(Drawn::of).collect();
        // Of each lane the widest box, and the widest text beside one.
        let mut widths = vec![(0.0f64, 0.0f64); layout.lanes];
        for (drawn, &(_, lane)) in boxes.iter().zip(&layout.places) {
            let beside = drawn.beside().map(|line| line.chars().count()).max();
            let beside = beside.map_or(0.0, |count| count as f64 * CHARACTER + PADDING);
            let (width, text) = widths[lane];
            widths[lane] = (width.max(drawn.width), text.max(beside));
        }
        let mut x = MARGIN;
        let mut lanes = Vec::with_capacity(layout.lanes);
        for &(width, text) in &widths {
            let whole = (width + text).max(PASSING);
            lanes.push(x + width.max(PASSING) / 2.0);
            x += whole + PASSING;
        }
        let mut y = MARGIN + HEADER;
        let mut ranks = Vec::with_capacity(layout.ranks.len());
        for members in &layout.ranks {
            let heights = members.iter().map(|&at| boxes[at].height());
            let height = heights.fold(BOX_HEIGHT, f64::max);
            for &at in members {
                let drawn = &mut boxes[at];
                drawn.left = lanes[layout.places[at].1] - drawn.width / 2.0;
                drawn.top = y;
            }
            ranks.push((y, y + height));
            y += height + GAP;
        }
        Self {
            boxes,
            ranks,
            lanes,
            width: x - PASSING + MARGIN,
            height: y - GAP + MARGIN,
        }
    }
}
