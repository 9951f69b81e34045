//! Where a log's phases are.

use crate::timeline::{Stretch, Timeline};

/// Without the length of an epoch, a stretch of constant hyperparameters is a phase if it lasts this part of the log: shorter
/// ones, such as the plateaus of a schedule that changes every epoch, are parts of a curve.
const PART_OF_PHASE: u64 = 20;

/// Without the length of an epoch, what is between phases is looked at in pieces of this part of the log.
const PART_OF_PIECE: u64 = 10;

/// The most pieces: a log of more epochs than these gets longer ones.
const MOST_PIECES: u64 = 1000;

/// Some steps that are looked at together, `end` not included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) constant: bool,
}

/// Stretches of constant hyperparameters that last at least an epoch, and what is between them epoch by epoch.
pub(crate) fn spans(timeline: &Timeline, steps_per_epoch: Option<u64>) -> Vec<Span> {
    let stretches = timeline.stretches();
    let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else {
        return Vec::new();
    };
    let length = last.end - first.start;
    let least = steps_per_epoch
        .unwrap_or(length.div_ceil(PART_OF_PHASE))
        .max(2);
    let shortest = length.div_ceil(MOST_PIECES).max(1);
    let piece = steps_per_epoch
        .unwrap_or(length.div_ceil(PART_OF_PIECE))
        .max(shortest);
    let is_phase = |stretch: &Stretch| stretch.end - stretch.start >= least || stretches.len() == 1;
    let mut spans: Vec<Span> = Vec::new();
    let mut varying_from = None;
    for stretch in stretches {
        if !is_phase(stretch) {
            varying_from.get_or_insert(stretch.start);
            continue;
        }
        if let Some(start) = varying_from.take() {
            cut(start, stretch.start, piece, &mut spans);
        }
        spans.push(Span {
            start: stretch.start,
            end: stretch.end,
            constant: true,
        });
    }
    if let Some(start) = varying_from {
        cut(start, last.end, piece, &mut spans);
    }
    spans
}

fn cut(start: u64, end: u64, piece: u64, spans: &mut Vec<Span>) {
    let mut from = start;
    while from < end {
        // A rest of less than half a piece belongs to the one before.
        let to = if end - from < piece.saturating_add(piece.div_ceil(2)) {
            end
        } else {
            from + piece
        };
        spans.push(Span {
            start: from,
            end: to,
            constant: false,
        });
        from = to;
    }
}
