//! Where the entries of a legend go.

use super::canvas::text_width;

/// Length of the line before an entry, and the room after it.
pub(crate) const SAMPLE: i32 = 28;
const AFTER_SAMPLE: i32 = 6;
const AFTER_ENTRY: i32 = 18;

/// Longest text of an entry, in characters.
const LONGEST: usize = 56;

/// An entry of the legend, placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Index of the curve.
    pub(crate) curve: usize,
    pub(crate) label: String,
    pub(crate) x: i32,
    pub(crate) row: i32,
}

impl Entry {
    /// Where the text begins.
    pub(crate) fn text_x(&self) -> i32 {
        self.x + SAMPLE + AFTER_SAMPLE
    }
}

/// Puts entries side by side, and on a new row where the width ends.
pub(crate) fn place<'a>(
    labels: impl Iterator<Item = (usize, &'a str)>,
    font_size: f64,
    width: i32,
) -> Vec<Entry> {
    let (mut x, mut row) = (0, 0);
    let mut entries = Vec::new();
    for (curve, label) in labels {
        let label = shortened(label);
        let length = SAMPLE + AFTER_SAMPLE + (text_width(&label) * font_size).ceil() as i32;
        if x > 0 && x + length > width {
            (x, row) = (0, row + 1);
        }
        entries.push(Entry {
            curve,
            label,
            x,
            row,
        });
        x += length + AFTER_ENTRY;
    }
    entries
}

/// The label, or its beginning and an ellipsis.
fn shortened(label: &str) -> String {
    if label.chars().count() <= LONGEST {
        return label.to_owned();
    }
    label.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_wrap_and_shorten() {
        let long = "x".repeat(500);
        let labels = [
            "step decay + weight decay",
            "exact, without weight decay",
            &long,
            "",
        ];
        let entries = place(labels.into_iter().enumerate(), 13.0, 500);
        let rows: Vec<i32> = entries.iter().map(|entry| entry.row).collect();
        assert_eq!(rows, [0, 0, 1, 2]);
        assert_eq!(entries[2].label.chars().count(), LONGEST);
        assert!(entries[2].label.ends_with('…'));
        assert_eq!((entries[0].x, entries[2].x), (0, 0));
    }
}
